"""Statements that got slower: the last day against the week before.

Out of our own hourly history, so it says nothing before there is a week of it.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import statements

RECENT = timedelta(days=1)
EARLIER = timedelta(days=7)
MIN_CALLS = 50
MIN_MEAN_MS = 5.0
TIMES = 2.0


def run(context: Context) -> Iterator[Finding]:
    for row in statements.compared(recent=RECENT, earlier=EARLIER, store=context.store):
        if min(row["calls_now"] or 0, row["calls_before"] or 0) >= MIN_CALLS:
            now, before = row["ms_now"] / row["calls_now"], row["ms_before"] / row["calls_before"]
            if now >= MIN_MEAN_MS and now >= TIMES * before:
                yield _finding(row, now, before)


def _finding(row: dict[str, Any], now: float, before: float) -> Finding:
    return Finding(
        check="slower_statements",
        level=Level.WARNING,
        subject=f"statement {row['queryid']}",
        detail=f"{now:,.1f} ms on average during the last day, {before:,.1f} ms during the week before.",
        remedy=Remedy(
            "Compare its plans: statistics out of date, a lost index, or far more rows than before."
        ),
        evidence={
            "queryid": str(row["queryid"]),
            "text": row["text"],
            "mean_ms": round(now, 2),
            "mean_before_ms": round(before, 2),
            "calls": row["calls_now"],
        },
    )
