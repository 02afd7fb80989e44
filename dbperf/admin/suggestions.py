"""Suggestions: muted, and built where they are of an index."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dbperf import reading
from dbperf.admin.pages import LookOnly
from dbperf.models import StoredFinding
from dbperf.services import building


@admin.register(StoredFinding)
class SuggestionAdmin(LookOnly):
    """What the checks found, and when."""

    list_display = ["level", "check_name", "detail", "first_seen", "last_seen", "resolved_at", "muted_until"]
    list_filter = ["level", "check_name", ("resolved_at", admin.EmptyFieldListFilter)]
    search_fields = ["subject", "detail"]
    ordering = ["resolved_at", "check_name", "subject"]
    fields = [
        "level",
        "check_name",
        "subject",
        "detail",
        "figures",
        "to_do",
        "first_seen",
        "last_seen",
        "resolved_at",
    ]
    readonly_fields = ["figures", "to_do"]
    actions = ["mute", "unmute"]
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "dbperf/suggestion.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With a button, where there is an index to build."""
        row = kwargs.get("obj")
        open_one = row is not None and row.check_name == building.CHECK and not row.resolved_at
        context["buildable"] = open_one and request.user.has_perm("dbperf.run_maintenance")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> StoredFinding | None:
        """To be looked at: never saved, so what is not shown may be left out here."""
        row: StoredFinding | None = super().get_object(request, *args, **kwargs)
        if row is not None:
            row.evidence = reading.shown(row.evidence, texts=reading.may_read(request.user))
        return row

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Whoever could filter by the evidence would guess its text word by word."""
        return not lookup.startswith("evidence") and super().lookup_allowed(lookup, value, request)

    @admin.display(description="evidence")
    def figures(self, row: StoredFinding) -> str:
        return "\n".join(f"{name}: {value}" for name, value in row.evidence.items())

    @admin.display(description="what to do")
    def to_do(self, row: StoredFinding) -> SafeString:
        lines = "\n".join(filter(None, (row.remedy.get("sql"), row.remedy.get("model"))))
        return format_html("{}<pre>{}</pre>", row.remedy.get("text", ""), lines)

    def has_mute_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("dbperf.change_storedfinding"))

    @admin.action(description="Mute for 30 days", permissions=["mute"])
    def mute(self, request: HttpRequest, rows: QuerySet[StoredFinding]) -> None:
        self._told(request, rows.update(muted_until=timezone.now() + timedelta(days=30)), "muted")

    @admin.action(description="Mute no longer", permissions=["mute"])
    def unmute(self, request: HttpRequest, rows: QuerySet[StoredFinding]) -> None:
        self._told(request, rows.update(muted_until=None), "no longer muted")

    def _told(self, request: HttpRequest, count: int, what: str) -> None:
        self.message_user(request, f"{count} {what}.", messages.SUCCESS)
