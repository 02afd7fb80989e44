"""Vacuum freshness: dead rows that nobody cleared away.

Twice what autovacuum itself waits for: then it is off, too slow, or kept from removing by an old transaction.
"""

from collections.abc import Iterator

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share

MIN_DEAD = 1_000
TIMES_THE_LIMIT = 2.0


def run(context: Context) -> Iterator[Finding]:
    for row in tables.tables(context.database):
        if row["dead"] < max(MIN_DEAD, TIMES_THE_LIMIT * row["vacuum_limit"]):
            continue
        table = quoted(row["schema"], row["name"])
        when = (
            f"last vacuumed {row['vacuumed_at']:%Y-%m-%d %H:%M}" if row["vacuumed_at"] else "never vacuumed"
        )
        off = "" if row["autovacuum"] else "; autovacuum is off for it"
        yield Finding(
            check="vacuum_freshness",
            level=Level.WARNING,
            subject=f"{row['schema']}.{row['name']}",
            detail=f"{table} has {row['dead']:,} dead rows beside {row['live']:,} live ones, {when}{off}.",
            remedy=Remedy(
                "Vacuum it; if that removes nothing, look for old transactions.", f"VACUUM (ANALYZE) {table};"
            ),
            evidence={
                "dead": row["dead"],
                "live": row["live"],
                "dead_pct": share(row["dead"], row["dead"] + row["live"]),
                "autovacuum_limit": round(row["vacuum_limit"]),
                "autovacuum": row["autovacuum"],
            },
        )
