"""Statements, each of them over time, and what each endpoint takes."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from dbperf import charts
from dbperf.admin.pages import Page
from dbperf.models import EndpointHour, Statement
from dbperf.services import pages

USES: dict[str, tuple[str, Callable[[dict[str, Any]], float]]] = {
    "Calls": ("", lambda row: row["calls_sum"]),
    "Mean": (" ms", lambda row: row["total_ms_sum"] / max(row["calls_sum"], 1)),
    "In all": (" s", lambda row: row["total_ms_sum"] / 1000),
    "Blocks a call": (
        "",
        lambda row: (row["blocks_hit_sum"] + row["blocks_read_sum"]) / max(row["calls_sum"], 1),
    ),
}


@admin.register(Statement)
class StatementAdmin(Page):
    """Where the time goes."""

    page, title = "statements", "Statements"

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        return {"statements": pages.costliest(span, texts=texts)}

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """One statement over time."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not (object_id.isascii() and object_id.isdecimal() and len(object_id) < 19):
            raise Http404

        def shown(span: str, texts: bool) -> dict[str, Any]:
            found = pages.statement(int(object_id), span, texts=texts)
            if found is None:
                raise Http404
            return {**found, "charts": _drawn(found["uses"])}

        return self.drawn(request, "statement", "Statement", shown)


@admin.register(EndpointHour)
class EndpointAdmin(Page):
    """What each request, op and task takes, and what it asks again and again."""

    page, title = "endpoints", "Endpoints"

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        return pages.endpoints(span, texts=texts)


def _drawn(uses: list[dict[str, Any]]) -> list[SafeString]:
    return [
        charts.line([(row["moment"], figure(row)) for row in uses], title=title, unit=unit)
        for title, (unit, figure) in USES.items()
    ]
