"""Blocking: sessions that wait for another one's lock.

The subject is the one at the root, which waits for nobody: ending its transaction frees all.
"""

from collections import defaultdict
from collections.abc import Iterator

from dbperf.catalog import activity
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import duration

LIVE = True
WARNING_S = 5.0
CRITICAL_S = 300.0


def run(context: Context) -> Iterator[Finding]:
    waiting = {row["pid"]: row for row in activity.blocked(context.database)}
    for root, victims in _trees(waiting).items():
        longest = max(row["waiting_s"] for row in victims)
        if longest >= WARNING_S:
            yield Finding(
                check="blocking",
                level=Level.CRITICAL if longest >= CRITICAL_S else Level.WARNING,
                subject=f"pid {root}",
                detail=f"{len(victims)} waiting for pid {root}, the longest since {duration(longest)}.",
                remedy=Remedy(
                    "End its transaction, or the session.", f"SELECT pg_terminate_backend({root});"
                ),
                evidence={
                    "pid": root,
                    "victims": sorted(row["pid"] for row in victims),
                    "longest_s": round(longest, 1),
                },
            )


def _trees(waiting: dict[int, Row]) -> dict[int, list[Row]]:
    """Root → everybody who waits for it, over any number of steps."""
    trees: dict[int, list[Row]] = defaultdict(list)
    for pid, row in waiting.items():
        for root in _roots(pid, waiting, set()):
            trees[root].append(row)
    return trees


def _roots(pid: int, waiting: dict[int, Row], seen: set[int]) -> set[int]:
    if pid not in waiting:
        return {pid}
    if pid in seen:
        return set()  # a deadlock, which PostgreSQL ends by itself
    return {root for blocker in waiting[pid]["blockers"] for root in _roots(blocker, waiting, seen | {pid})}
