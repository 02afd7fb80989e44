"""Idle in transaction: a session that opened a transaction and does nothing in it.

It keeps its locks, and VACUUM from removing rows that died since.
"""

from collections.abc import Iterator

from dbperf.catalog import activity
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import duration

LIVE = True
WARNING_S = 60.0
CRITICAL_S = 600.0


def run(context: Context) -> Iterator[Finding]:
    for row in activity.sessions(context.database):
        idle = (row["state"] or "").startswith("idle in transaction")
        if idle and row["state_s"] >= WARNING_S:
            yield Finding(
                check="idle_in_transaction",
                level=Level.CRITICAL if row["state_s"] >= CRITICAL_S else Level.WARNING,
                subject=f"pid {row['pid']}",
                detail=f"A session of {row['application'] or row['role']} (pid {row['pid']}) sits in an open"
                f" transaction since {duration(row['state_s'])}.",
                remedy=Remedy(
                    "End the transaction in the program, or the session; set idle_in_transaction_session_timeout.",
                    f"SELECT pg_terminate_backend({row['pid']});",
                ),
                evidence={
                    "pid": row["pid"],
                    "application": row["application"],
                    "idle_s": round(row["state_s"], 1),
                    "transaction_s": round(row["transaction_s"] or 0, 1),
                },
            )
