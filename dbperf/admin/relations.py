"""Tables and indexes: size, growth, what may come of it, use."""

from datetime import UTC, datetime, time
from typing import Any

from django.contrib import admin

from dbperf import charts
from dbperf.admin.pages import Page
from dbperf.models import RelationDay
from dbperf.services import pages


@admin.register(RelationDay)
class RelationDayAdmin(Page):
    """Tables and indexes: size, growth, use."""

    page, title = "relations", "Tables and indexes"

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        found = pages.relations_seen()
        points = [(datetime.combine(day, time(), UTC), size / 1024**2) for day, size in found["line"]]
        return {**found, "chart": charts.line(points, title="The database", unit=" MB")}
