"""HOT updates: updates that write to every index of the table.

An update is cheap when no indexed column changes and there is room on the row's page. From PostgreSQL 16 on the server
counts those that found no room, which tells the two causes apart.
"""

from collections.abc import Iterator

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share

MIN_UPDATES = 10_000
MIN_HOT_PCT = 50.0
MANY_NEWPAGE_PCT = 20.0


def run(context: Context) -> Iterator[Finding]:
    newpage = tables.newpage_updates(context.database)
    for row in tables.tables(context.database):
        hot = share(row["hot_updates"], row["updates"])
        if row["updates"] >= MIN_UPDATES and hot < MIN_HOT_PCT:
            yield _finding(row, hot, newpage.get(row["oid"]))


def _finding(row: Row, hot: float, newpage: int | None) -> Finding:
    table = quoted(row["schema"], row["name"])
    full = newpage is not None and share(newpage, row["updates"]) >= MANY_NEWPAGE_PCT
    leave_room = Remedy(
        "Leave room on each page for the next version of a row.",
        f"ALTER TABLE {table} SET (fillfactor = 90);",
    )
    look = Remedy(
        "An indexed column changes in most updates: see whether its index is worth that, or leave room on the"
        " pages (fillfactor)."
    )
    return Finding(
        check="hot_updates",
        level=Level.INFO,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"Only {hot} % of {row['updates']:,} updates of {table} left its indexes alone"
        + (", and many found no room on their page." if full else "."),
        remedy=leave_room if full else look,
        evidence={"updates": row["updates"], "hot_pct": hot, "newpage": newpage},
    )
