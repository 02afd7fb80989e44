"""Invalid indexes: left behind by a concurrent build that failed.

Every write maintains them, no read uses them. A build that is under way looks the same and is left alone.
"""

from collections.abc import Iterator

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted


def run(context: Context) -> Iterator[Finding]:
    for row in indexes.indexes(context.database):
        if not row["is_valid"] and not row["building"]:
            name = quoted(row["schema"], row["name"])
            yield Finding(
                check="invalid_index",
                level=Level.WARNING,
                subject=f"{row['schema']}.{row['name']}",
                detail=f"{name} on {row['table']} is invalid: a concurrent build failed, and only writes pay for it.",
                remedy=Remedy("Drop it, then build it again.", f"DROP INDEX CONCURRENTLY {name};"),
                evidence={"table": row["table"], "size_bytes": row["size_bytes"]},
            )
