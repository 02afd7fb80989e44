"""Pool saturation: requests wait for a connection of their process's pool.

Each process tells of its own pool, twice a minute, where anybody had to wait. A full pool is no fault by itself.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import pools

LIVE = True
WITHIN = timedelta(seconds=75)  # processes tell every half minute, and not at the same time
MIN_QUEUED = 10
WARNING_MS = 100.0


def run(context: Context) -> Iterator[Finding]:
    yield from judge(pools.recent(WITHIN, store=context.store))


def judge(told: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Of all processes together: who waited, for how long, and who got nothing."""
    queued, in_vain = (sum(each[name] for each in told) for name in ("requests_queued", "requests_errors"))
    mean_ms = sum(each["requests_wait_ms"] for each in told) / max(queued, 1)
    if not in_vain and (queued < MIN_QUEUED or mean_ms < WARNING_MS):
        return
    processes = len({each["process"] for each in told})
    yield Finding(
        check="pool_saturation",
        level=Level.CRITICAL if in_vain else Level.WARNING,
        subject="pool",
        detail=f"{queued} requests of {processes} processes waited for a connection, {mean_ms:,.0f} ms on average;"
        f" {in_vain} times in vain.",
        remedy=Remedy(
            "Look for what holds connections (long transactions, slow statements) before raising the pool: its size"
            " times all processes must fit into max_connections."
        ),
        evidence={
            "processes": processes,
            "queued": queued,
            "wait_mean_ms": round(mean_ms, 1),
            "in_vain": in_vain,
            "requests": sum(each["requests_num"] for each in told),
            "pool_max": max(each["pool_max"] for each in told),
        },
    )
