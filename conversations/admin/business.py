from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from conversations.admin.listing import BOUND, ReadOnlyAdmin, SearchedAdmin, as_uuid
from conversations.models import BusinessAgent, BusinessCase, User
from conversations.services import business


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
        """A dismissal, by the service, which also sees to seats, cases and open sockets."""
        return request.user.has_perm("conversations.delete_businessagent")

    def get_readonly_fields(self, request: HttpRequest, obj: BusinessAgent | None = None) -> tuple[str, ...]:
        return ("business_id", "user") if obj else ()

    def save_model(self, request: HttpRequest, obj: BusinessAgent, form: Any, change: bool) -> None:
        """As over the API, so that open sockets hear of it."""
        agent = business.put_agent(
            actor=cast(User, request.user), business_id=obj.business_id, user_id=obj.user_id, role=obj.role
        )
        obj.pk = agent.pk

    def delete_model(self, request: HttpRequest, obj: BusinessAgent) -> None:
        actor = cast(User, request.user)
        business.remove_agent(actor=actor, business_id=obj.business_id, user_id=obj.user_id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BusinessAgent]) -> None:
        for agent in queryset[:BOUND]:
            self.delete_model(request, agent)


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
