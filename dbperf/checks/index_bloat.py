"""Index bloat: a btree far larger than freshly built.

An estimate first. Where pgstattuple is there, the index is asked how full its leaves are; a rebuild is offered only for
what was measured.
"""

from collections.abc import Iterator

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.checks._bloat import confirmable
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share, size

MIN_BYTES = 100 * 1024 * 1024
MIN_SHARE_PCT = 30.0
FRESH_DENSITY_PCT = 90.0


def run(context: Context) -> Iterator[Finding]:
    for row in indexes.bloat(context.database):
        part, confirmed = share(row["size_bytes"] - row["expected_bytes"], row["size_bytes"]), False
        if row["size_bytes"] < MIN_BYTES or part < MIN_SHARE_PCT:
            continue
        if confirmable(context):
            density = indexes.leaf_density(context.database, row["oid"])
            part, confirmed = 100 * (1 - density / FRESH_DENSITY_PCT), True
        if part >= MIN_SHARE_PCT:
            yield _finding(row, part, confirmed)


def _finding(row: Row, part: float, confirmed: bool) -> Finding:
    index = quoted(row["schema"], row["name"])
    rebuild = Remedy(
        "Rebuild it: needs as much room again meanwhile.", f"REINDEX INDEX CONCURRENTLY {index};"
    )
    look = Remedy("Make the extension pgstattuple, which measures it, before anything is rebuilt.")
    return Finding(
        check="index_bloat",
        level=Level.WARNING if confirmed else Level.INFO,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{index} on {row['table']} ({size(row['size_bytes'])}) would be {part:.0f} % smaller freshly built"
        f" ({'measured' if confirmed else 'an estimate'}).",
        remedy=rebuild if confirmed else look,
        evidence={
            "table": row["table"],
            "size_bytes": row["size_bytes"],
            "wasted_pct": round(part, 1),
            "confirmed": confirmed,
        },
    )
