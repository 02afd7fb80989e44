from django.contrib import admin
from django.db.models import Q, QuerySet

from conversations.admin.listing import BOUND, ReadOnlyAdmin, as_uuid
from conversations.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, the newest first."""

    list_display = ("at", "action", "actor", "subject", "detail", "address")
    list_display_links = ("at",)
    search_help_text = (
        "The exact id of who did it, or of what it was done to; an action, such as sign_in_refused. At most"
        f" {BOUND:,} are listed."
    )

    def find(self, rows: QuerySet[AuditEntry], word: str) -> QuerySet[AuditEntry]:
        """Uses index: audit_entries_at, audit_entries_actor, audit_entries_subject, audit_entries_action."""
        rows = rows.order_by("-at")
        if found := as_uuid(word):
            return rows.filter(Q(actor=found) | Q(subject=str(found)))
        return rows.filter(action=word) if word else rows
