"""Analyze freshness: the planner's statistics are out of date, or were never made.

Whether a table was ever analyzed is read from the table itself, since a reset of the counters forgets the times.
"""

from collections.abc import Iterator

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share

MIN_ROWS = 1_000
MIN_CHURN_PCT = 25.0


def run(context: Context) -> Iterator[Finding]:
    for row in tables.tables(context.database):
        never = row["rows"] < 0 and row["live"] >= MIN_ROWS
        if never or _churned(row):
            yield _finding(row, never)


def _churned(row: Row) -> bool:
    late = row["modified"] >= max(MIN_ROWS, 2 * row["analyze_limit"])
    return late and share(row["modified"], max(row["rows"], 1)) >= MIN_CHURN_PCT


def _finding(row: Row, never: bool) -> Finding:
    table = quoted(row["schema"], row["name"])
    changed = (
        f"{row['modified']:,} of about {max(row['rows'], 0):,} rows of {table} changed since it was analyzed"
    )
    return Finding(
        check="analyze_freshness",
        level=Level.WARNING,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{table} has {row['live']:,} rows and was never analyzed." if never else f"{changed}.",
        remedy=Remedy("Analyze it.", f"ANALYZE {table};"),
        evidence={"rows": row["rows"], "live": row["live"], "modified": row["modified"], "never": never},
    )
