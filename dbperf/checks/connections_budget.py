"""Connections against max_connections: few are left.

What superusers reserve is not counted as available. When none is left every new connection is refused.
"""

from collections.abc import Iterator

from dbperf.catalog import activity
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import share

LIVE = True
WARNING_PCT = 80.0
CRITICAL_PCT = 95.0


def run(context: Context) -> Iterator[Finding]:
    now = activity.pulse(context.database)
    used = share(now["connections"], now["available"])
    if used >= WARNING_PCT:
        yield Finding(
            check="connections_budget",
            level=Level.CRITICAL if used >= CRITICAL_PCT else Level.WARNING,
            subject="connections",
            detail=f"{now['connections']} of {now['available']} connections are taken, {now['idle']} of them idle.",
            remedy=Remedy(
                "Lower the pools (processes x pool size must fit), put PgBouncer in between, or raise"
                " max_connections, which needs memory and a restart."
            ),
            evidence={
                "connections": now["connections"],
                "available": now["available"],
                "used_pct": used,
                "idle": now["idle"],
            },
        )
