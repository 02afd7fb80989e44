"""Long transactions: at work for a long time.

While one lasts, no row that died since it began can be removed, in any table. Idle sessions are another check's.
"""

from collections.abc import Iterator

from dbperf.catalog import activity
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import duration

LIVE = True
WARNING_S = 300.0
CRITICAL_S = 1_800.0
EXPECTED = ("pg_dump", "pg_repack", "pg_basebackup", "dbperf-maintenance")


def run(context: Context) -> Iterator[Finding]:
    for row in activity.sessions(context.database):
        if row["application"] in EXPECTED or (row["state"] or "").startswith("idle"):
            continue
        if (row["transaction_s"] or 0) >= WARNING_S:
            yield Finding(
                check="long_transaction",
                level=Level.CRITICAL if row["transaction_s"] >= CRITICAL_S else Level.WARNING,
                subject=f"pid {row['pid']}",
                detail=f"A transaction of {row['application'] or row['role']} (pid {row['pid']}) runs since"
                f" {duration(row['transaction_s'])}.",
                remedy=Remedy(
                    "Cancel its statement, or split the work.", f"SELECT pg_cancel_backend({row['pid']});"
                ),
                evidence={
                    "pid": row["pid"],
                    "application": row["application"],
                    "transaction_s": round(row["transaction_s"], 1),
                    "xmin_age": row["xmin_age"],
                },
            )
