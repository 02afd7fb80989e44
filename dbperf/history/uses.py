"""What one call of a statement took, over a time: out of the deltas of our looks."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from dbperf.models import StatementUse
from dbperf.verdicts import Use

FIGURES = ("taken_at", "window_s", "calls", "total_ms", "blocks_hit", "blocks_read")


def ended_since(queryid: int, moment: datetime, *, store: str) -> Use:
    """In the looks since then, the first of which may have begun earlier."""
    return _summed(_looks(queryid, moment, store=store))


def begun_since(queryid: int, moment: datetime, *, store: str) -> Use:
    """In the looks that lie wholly behind a moment."""
    looks = _looks(queryid, moment, store=store)
    return _summed(row for row in looks if row["taken_at"] - timedelta(seconds=row["window_s"]) >= moment)


def _looks(queryid: int, moment: datetime, *, store: str) -> list[dict[str, Any]]:
    uses = StatementUse.objects.using(store).filter(statement__queryid=queryid, taken_at__gte=moment)
    return list(uses.values(*FIGURES))


def _summed(rows: Iterable[dict[str, Any]]) -> Use:
    calls, ms, blocks = 0, 0.0, 0
    for row in rows:
        calls += row["calls"]
        ms += row["total_ms"]
        blocks += row["blocks_hit"] + row["blocks_read"]
    return Use(calls, ms / calls, blocks / calls) if calls else Use()
