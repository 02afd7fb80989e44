from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversations.admin.listing import BOUND, ReadOnlyAdmin, as_uuid, keyword
from conversations.models import Conversation


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Conversations, to look at: their counters and versions belong to the services."""

    list_display = (
        "__str__",
        "type",
        "business_id",
        "participant_count",
        "last_seq",
        "last_activity_at",
        "deleted_at",
    )
    search_help_text = (
        f"An id, part of a name, type:direct, type:group, or business:ID. At most {BOUND:,} are listed."
    )
    exclude = ("last_message",)
    readonly_fields = ("people", "messages")

    def find(self, rows: QuerySet[Conversation], word: str) -> QuerySet[Conversation]:
        """Uses index: conversations_pkey, conversations_name_trgm, conversations_type_activity, conversations_business.

        A trigram index needs three letters: shorter words are looked for at the beginning of names.
        """
        name, value = keyword(word)
        if name == "type":
            return rows.filter(type=value).order_by("-last_activity_at")
        if name == "business":
            return rows.filter(type="business", business_id=value).order_by("-last_activity_at")
        if found := as_uuid(word):
            return rows.filter(pk=found).order_by("-pk")
        lookup = "name__icontains" if len(word) > 2 else "name__istartswith"
        return (rows.filter(**{lookup: word}) if word else rows).order_by("-pk")

    @admin.display(description="participants")
    def people(self, conversation: Conversation) -> SafeString:
        """Where to look at them: there may be thousands."""
        return _link("conversations_participant", conversation, str(conversation.participant_count))

    @admin.display(description="messages")
    def messages(self, conversation: Conversation) -> SafeString:
        """The same."""
        return _link("messaging_message", conversation, str(conversation.last_seq))


def _link(model: str, conversation: Conversation, text: str) -> SafeString:
    address = reverse(f"admin:{model}_changelist", query={"q": str(conversation.pk)})
    return format_html('<a href="{}">{}</a>', address, text)
