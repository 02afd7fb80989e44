"""Sequential scans on big tables: an index may be missing.

Counts since the last reset of the statistics. A table that is read whole on purpose, by a nightly job, looks the same:
which statement does it says the page of statements.
"""

from collections.abc import Iterator

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share, size

MIN_BYTES = 10 * 1024 * 1024
MIN_SCANS = 10
MIN_ROWS_A_SCAN = 1_000
MIN_SHARE_PCT = 5.0  # of all scans of the table


def run(context: Context) -> Iterator[Finding]:
    return (_finding(row) for row in tables.tables(context.database) if _suspicious(row))


def _suspicious(row: Row) -> bool:
    return (
        row["size_bytes"] >= MIN_BYTES
        and row["seq_scans"] >= MIN_SCANS
        and row["seq_rows"] >= MIN_ROWS_A_SCAN * row["seq_scans"]
        and share(row["seq_scans"], row["seq_scans"] + row["index_scans"]) >= MIN_SHARE_PCT
    )


def _finding(row: Row) -> Finding:
    table = quoted(row["schema"], row["name"])
    a_scan = row["seq_rows"] // row["seq_scans"]
    part = share(row["seq_scans"], row["seq_scans"] + row["index_scans"])
    return Finding(
        check="sequential_scans",
        level=Level.WARNING,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{table}, {size(row['size_bytes'])}, was read from end to end {row['seq_scans']:,} times,"
        f" {a_scan:,} rows each time: {part} % of its scans.",
        remedy=Remedy("Find the statement that reads it and give its condition an index."),
        evidence={
            "size_bytes": row["size_bytes"],
            "seq_scans": row["seq_scans"],
            "rows_a_scan": a_scan,
            "index_scans": row["index_scans"],
            "seq_share_pct": part,
        },
    )
