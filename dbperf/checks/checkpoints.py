"""Checkpoints: most come early, because the write-ahead log is full.

Each writes all changed pages, and after each the first change of a page is logged whole.
"""

from collections.abc import Iterator

from dbperf.catalog import server
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import share

MIN_CHECKPOINTS = 20
EARLY_PCT = 50.0


def run(context: Context) -> Iterator[Finding]:
    return judge(server.checkpoints(context.database))


def judge(row: Row) -> Iterator[Finding]:
    """Of `timed` and `requested` checkpoints since the last reset."""
    together = row["timed"] + row["requested"]
    early = share(row["requested"], together)
    if together >= MIN_CHECKPOINTS and early > EARLY_PCT:
        yield Finding(
            check="checkpoints",
            level=Level.WARNING,
            subject="checkpoints",
            detail=f"{early} % of {together:,} checkpoints came before their time.",
            remedy=Remedy(
                "Raise max_wal_size.", "ALTER SYSTEM SET max_wal_size = '4GB'; SELECT pg_reload_conf();"
            ),
            evidence={"timed": row["timed"], "requested": row["requested"], "early_pct": early},
        )
