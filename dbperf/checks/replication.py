"""Replication: a replica that lags, or a slot that keeps the write-ahead log from being removed.

A forgotten slot fills the disk.
"""

from collections.abc import Iterator

from dbperf.catalog import server
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import duration, quoted, size

LIVE = True
WARNING_S = 5.0
CRITICAL_S = 60.0
RETAINED_BYTES = 1024**3


def run(context: Context) -> Iterator[Finding]:
    for row in server.replicas(context.database):
        yield from judge_replica(row)
    for row in server.slots(context.database):
        yield from judge_slot(row)


def judge_replica(row: Row) -> Iterator[Finding]:
    """Of one standby: its `lag_s` and `lag_bytes`."""
    if (row["lag_s"] or 0) >= WARNING_S:
        yield Finding(
            check="replication",
            level=Level.CRITICAL if row["lag_s"] >= CRITICAL_S else Level.WARNING,
            subject=f"replica {row['application']}",
            detail=f"{row['application']} is {duration(row['lag_s'])} behind ({size(row['lag_bytes'] or 0)}).",
            remedy=Remedy("Look at its disk, its network, and long queries there that hold the replay up."),
            evidence={"lag_s": round(row["lag_s"], 1), "lag_bytes": row["lag_bytes"], "state": row["state"]},
        )


def judge_slot(row: Row) -> Iterator[Finding]:
    """Of one slot: whether anybody reads it, and the `retained_bytes`."""
    lost = row["wal_status"] in {"unreserved", "lost"}
    if lost or (not row["active"] and (row["retained_bytes"] or 0) >= RETAINED_BYTES):
        name = row["name"]
        yield Finding(
            check="replication",
            level=Level.CRITICAL if lost else Level.WARNING,
            subject=f"slot {name}",
            detail=f"Slot {quoted(name)} is {'in use' if row['active'] else 'read by nobody'} and keeps"
            f" {size(row['retained_bytes'] or 0)} of write-ahead log ({row['wal_status']}).",
            remedy=Remedy(
                "Bring its reader back, or drop the slot.", f"SELECT pg_drop_replication_slot('{name}');"
            ),
            evidence={
                "active": row["active"],
                "retained_bytes": row["retained_bytes"],
                "wal_status": row["wal_status"],
            },
        )
