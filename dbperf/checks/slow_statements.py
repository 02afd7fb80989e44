"""Slow statements: those that take long each time, or most of the time of all.

Out of pg_stat_statements, since its last reset; our own statements are left out.
"""

from collections.abc import Iterator

from dbperf.catalog import statements
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import share

MEAN_MS = 20.0
MIN_CALLS = 50
MIN_SHARE_PCT = 1.0
MOST = 20


def run(context: Context) -> Iterator[Finding]:
    if not context.capabilities.statements:
        return
    rows = statements.counters(context.database, context.capabilities)
    whole = sum(row["total_ms"] for row in rows)
    slow = [row for row in rows if _slow(row)]
    costly = sorted(slow, key=lambda row: -row["total_ms"])[:MOST]
    texts = statements.texts(context.database, context.capabilities, [row["queryid"] for row in costly])
    for row in costly:
        text = texts.get(row["queryid"], "")
        if not statements.is_own(text):
            yield _finding(row, text, share(row["total_ms"], whole))


def _slow(row: Row) -> bool:
    return bool(row["calls"] >= MIN_CALLS and row["total_ms"] / row["calls"] >= MEAN_MS)


def _finding(row: Row, text: str, part: float) -> Finding:
    mean = row["total_ms"] / row["calls"]
    return Finding(
        check="slow_statements",
        level=Level.WARNING if part >= MIN_SHARE_PCT else Level.INFO,
        subject=f"statement {row['queryid']}",
        detail=f"{mean:,.1f} ms on average over {row['calls']:,} calls, {part} % of all time.",
        remedy=Remedy("Look at its plan: a missing index, rows read and thrown away, or called too often."),
        evidence={
            "queryid": str(row["queryid"]),
            "text": text,
            "calls": row["calls"],
            "mean_ms": round(mean, 2),
            "total_share_pct": part,
            "rows_a_call": round(row["rows"] / row["calls"], 1),
        },
    )
