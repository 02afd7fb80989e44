from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from conversations.admin.listing import BOUND, ReadOnlyAdmin, SearchedAdmin, as_uuid
from conversations.models import BusinessAgent, BusinessCase


@admin.register(BusinessAgent)
class BusinessAgentAdmin(SearchedAdmin):
    """Who answers for which business. The first agents of a business are named here."""

    list_display = ("business_id", "user", "role")
    list_display_links = ("business_id", "user")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    search_help_text = f"The exact id of a business. At most {BOUND:,} are listed."

    def find(self, rows: QuerySet[BusinessAgent], word: str) -> QuerySet[BusinessAgent]:
        """Uses index: business_agents_unique_user."""
        rows = rows.order_by("business_id", "user_id")
        return rows.filter(business_id=word) if word else rows

    def has_delete_permission(self, request: HttpRequest, obj: BusinessAgent | None = None) -> bool:
        """A dismissal: nothing hangs on this row."""
        return request.user.has_perm("conversations.delete_businessagent")


@admin.register(BusinessCase)
class BusinessCaseAdmin(ReadOnlyAdmin):
    """Where cases stand."""

    list_display = ("conversation", "status", "assignee", "priority", "first_response_at", "resolved_at")
    list_select_related = ("conversation", "assignee")
    search_help_text = (
        f"The id of a conversation, or the exact id of a business. At most {BOUND:,} are listed."
    )

    def find(self, rows: QuerySet[BusinessCase], word: str) -> QuerySet[BusinessCase]:
        """Uses index: business_cases_pkey, conversations_business."""
        if not word:
            return rows.order_by("-conversation_id")
        if found := as_uuid(word):
            return rows.filter(pk=found).order_by("-conversation_id")
        of_business = rows.filter(conversation__type="business", conversation__business_id=word)
        return of_business.order_by("-conversation__last_activity_at")
