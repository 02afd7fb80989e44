"""The reports of the weeks: a list, and one of them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from dbperf import reading
from dbperf.admin.pages import LookOnly
from dbperf.models import Report, Snapshot
from dbperf.services import reporting


@admin.register(Report)
class ReportAdmin(LookOnly):
    """The newest, or the one that `?report=` names."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("dbperf.view_metrics"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("report", "")
        shown = reporting.one(int(asked) if asked.isdecimal() and len(asked) < 19 else None)
        context = {
            **self.admin_site.each_context(request),
            "title": "Weekly reports",
            "reports": reporting.kept(),
            "shown": shown,
            "report": _readable(shown, request) if shown else None,
        }
        return TemplateResponse(request, "dbperf/reports.html", context)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """They are all on the one page."""
        raise PermissionDenied


def _readable(report: Snapshot, request: HttpRequest) -> dict[str, Any]:
    """What it says; the texts of statements only to those who may read them."""
    texts = reading.may_read(request.user)
    lists = {name: reading.all_shown(report.figures[name], texts=texts) for name in ("statements", "slower")}
    return {**report.figures, **lists}
