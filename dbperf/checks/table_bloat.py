"""Table bloat: much more room than the rows need.

First an estimate out of the planner's statistics; where pgstattuple is there, the table itself is then asked, and an
estimate that was wrong is dropped. The room is used again by new rows: it costs cache and scans, it is not lost.
"""

from collections.abc import Iterator

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.checks._bloat import confirmable
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share, size

MIN_BYTES = 100 * 1024 * 1024
MIN_SHARE_PCT = 25.0


def run(context: Context) -> Iterator[Finding]:
    for row in tables.bloat(context.database):
        wasted = row["size_bytes"] - row["expected_bytes"]
        part, confirmed = share(wasted, row["size_bytes"]), False
        if row["size_bytes"] < MIN_BYTES or part < MIN_SHARE_PCT:
            continue
        if confirmable(context):
            part, confirmed = tables.free_space(context.database, row["oid"]), True
        if part >= MIN_SHARE_PCT:
            yield _finding(row, part, confirmed)


def _finding(row: Row, part: float, confirmed: bool) -> Finding:
    table = quoted(row["schema"], row["name"])
    return Finding(
        check="table_bloat",
        level=Level.WARNING,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{part:.0f} % of {table} ({size(row['size_bytes'])}) is empty"
        f" ({'measured' if confirmed else 'an estimate'}).",
        remedy=Remedy(
            "Let autovacuum come more often. To give the room back now: pg_repack; VACUUM FULL locks the table.",
            f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02);",
        ),
        evidence={"size_bytes": row["size_bytes"], "empty_pct": round(part, 1), "confirmed": confirmed},
    )
