"""The dashboard: how the database is. Who may, ends what a session does."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from dbperf import charts
from dbperf.admin.pages import Page
from dbperf.connections import Unavailable
from dbperf.models import Dashboard
from dbperf.services import ending, pages

CHARTS = {
    "connections": ("Connections", ""),
    "active": ("Active sessions", ""),
    "waiting": ("Waiting for a lock", ""),
    "longest_transaction_s": ("Longest transaction", " s"),
}


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
