"""Unused indexes: written by every change, read by nothing for a month.

Only what our own history watched all that time counts, so a reset of the statistics cannot make an index look unused.
An index that a constraint, a foreign key or the planner needs is never named, and nothing is while replicas read from
here: their scans are not counted on the primary.
"""

from collections.abc import Iterator
from datetime import timedelta

from dbperf.catalog import indexes, server
from dbperf.checks import Context
from dbperf.checks._needed import needed
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import relations
from dbperf.units import quoted, size

WINDOW = timedelta(days=30)
MIN_DAYS = 28  # of the window, on which we looked
MIN_BYTES = 1024 * 1024


def run(context: Context) -> Iterator[Finding]:
    watched = relations.watched("index", WINDOW, store=context.store)
    if not watched or server.replicas(context.database):
        return
    there = indexes.indexes(context.database)
    keys = indexes.foreign_keys(context.database)
    for row in there:
        seen = watched.get(f"{row['schema']}.{row['name']}")
        idle = seen is not None and seen["days"] >= MIN_DAYS and not seen["scans_sum"]
        if idle and row["size_bytes"] >= MIN_BYTES and not needed(row, there, keys):
            yield _finding(row, seen["days"] if seen else 0)


def _finding(row: Row, days: int) -> Finding:
    name = quoted(row["schema"], row["name"])
    return Finding(
        check="unused_index",
        level=Level.WARNING,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{name} on {row['table']} ({size(row['size_bytes'])}) was not read on any of {days} days.",
        remedy=Remedy("Drop it, and take it out of the model.", f"DROP INDEX CONCURRENTLY {name};"),
        evidence={
            "table": row["table"],
            "size_bytes": row["size_bytes"],
            "days": days,
            "columns": row["names"],
        },
    )
