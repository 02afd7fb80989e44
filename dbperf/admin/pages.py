"""The staff's pages: a dashboard, statements, tables and indexes, suggestions. Muting changes something, and so does
ending a session."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dbperf import charts, reading
from dbperf.connections import Unavailable
from dbperf.models import Dashboard, EndpointHour, RelationDay, Statement, StoredFinding
from dbperf.services import building, ending, pages, telling

CHARTS = {
    "connections": ("Connections", ""),
    "active": ("Active sessions", ""),
    "waiting": ("Waiting for a lock", ""),
    "longest_transaction_s": ("Longest transaction", " s"),
}


if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin  # takes no parameters at run time


class LookOnly(AnyAdmin):
    """Rows that only dbperf writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Page(LookOnly):
    """A page of its own in the place of the list of rows."""

    page: ClassVar[str]
    title: ClassVar[str]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("span", "day")
        span = asked if asked in pages.SPANS else "day"
        context = {
            **self.admin_site.each_context(request),
            "title": self.title,
            "span": span,
            "spans": list(pages.SPANS),
        }
        shown = self.shown(span, reading.may_read(request.user))
        return TemplateResponse(request, f"dbperf/{self.page}.html", {**context, **shown})

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There are no pages of single rows."""
        raise PermissionDenied

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Nor of their past: it would have a row's text for its title."""
        raise PermissionDenied

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        """What is on the page; the texts of statements only for those who may read them."""
        raise NotImplementedError


class EndForm(forms.Form):
    """Which session, and what to end of it."""

    act = forms.ChoiceField(choices=[(each.value, each.value) for each in ending.Act])
    pid = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    started = forms.CharField(max_length=32)


@admin.register(Dashboard)
class DashboardAdmin(Page):
    """How the database is; who may, ends what a session does."""

    page, title = "dashboard", "Database"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        if not (self.has_view_permission(request) and request.user.has_perm("dbperf.kill_backend")):
            raise PermissionDenied
        level, told = self._ended(request)
        self.message_user(request, told, level)
        return HttpResponseRedirect(request.path)

    def _ended(self, request: HttpRequest) -> tuple[int, str]:
        form = EndForm(request.POST)
        if not form.is_valid():
            return messages.ERROR, "No session was named."
        act = ending.Act(form.cleaned_data["act"])
        session = ending.Session(form.cleaned_data["pid"], form.cleaned_data["started"])
        try:
            ending.end(act, session, by=request.user.pk)
        except (ending.NotEnded, Unavailable) as error:
            return messages.ERROR, str(error)
        return messages.SUCCESS, ending.SAID[act]

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        found = pages.dashboard(span, texts=texts)
        peaks = found["peaks"]
        drawn = [
            charts.line([(row["moment"], row[name] or 0.0) for row in peaks], title=title, unit=unit)
            for name, (title, unit) in CHARTS.items()
        ]
        return {**found, "charts": drawn}


@admin.register(Statement)
class StatementAdmin(Page):
    """Where the time goes."""

    page, title = "statements", "Statements"

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        return {"statements": pages.costliest(span, texts=texts)}


@admin.register(EndpointHour)
class EndpointAdmin(Page):
    """What each request, op and task takes, and what it asks again and again."""

    page, title = "endpoints", "Endpoints"

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        return pages.endpoints(span, texts=texts)


@admin.register(RelationDay)
class RelationDayAdmin(Page):
    """Tables and indexes: size, growth, use."""

    page, title = "relations", "Tables and indexes"

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        return {"size": telling.size()}


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

    def lookup_allowed(self, lookup: str, *args: Any, **kwargs: Any) -> bool:
        """Whoever could filter by the evidence would guess its text word by word."""
        return not lookup.startswith("evidence") and super().lookup_allowed(lookup, *args, **kwargs)

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
