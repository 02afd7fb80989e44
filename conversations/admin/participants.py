from django.contrib import admin
from django.db.models import QuerySet

from conversations.admin.listing import BOUND, ReadOnlyAdmin, as_uuid
from conversations.models import Conversation, Participant


@admin.register(Participant)
class ParticipantAdmin(ReadOnlyAdmin):
    """Who takes part in what, and who did."""

    list_display = ("user", "conversation", "role", "joined_at", "left_at", "last_read_seq")
    list_select_related = ("user", "conversation")
    search_help_text = (
        f"The id of a conversation, or the id or exact username of a person. At most {BOUND:,} are listed."
    )

    def find(self, rows: QuerySet[Participant], word: str) -> QuerySet[Participant]:
        """Uses index: participants_pkey, participants_unique_user, participants_user_joined."""
        if not word:
            return rows.order_by("-pk")
        found = as_uuid(word)
        if found and Conversation.objects.filter(pk=found).exists():
            return rows.filter(conversation=found).order_by("user_id")
        by_user = rows.filter(user=found) if found else rows.filter(user__username=word)
        return by_user.order_by("-joined_at")
