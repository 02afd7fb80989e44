"""Temporary files: sorts and hashes that do not fit into work_mem go to the disk."""

from collections.abc import Iterator

from dbperf.catalog import server
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import size

MIN_BYTES = 1024**3
A_DAY_BYTES = 1024**3
DAY_S = 86_400


def run(context: Context) -> Iterator[Finding]:
    now = server.database(context.database)
    a_day = now["temp_bytes"] / max(now["counted_s"], 1.0) * DAY_S
    if now["temp_bytes"] >= MIN_BYTES and a_day >= A_DAY_BYTES:
        yield Finding(
            check="temporary_files",
            level=Level.WARNING,
            subject="temporary files",
            detail=f"{size(now['temp_bytes'])} in {now['temp_files']:,} temporary files: {size(a_day)} a day.",
            remedy=Remedy(
                "Find the statements that sort or hash much, and give them an index or more work_mem."
            ),
            evidence={
                "temp_bytes": now["temp_bytes"],
                "temp_files": now["temp_files"],
                "bytes_a_day": round(a_day),
            },
        )
