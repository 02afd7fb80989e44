"""Cache hit ratio: too much is read from outside of shared_buffers.

Counted since the last reset. What the operating system caches counts as read here, so a low figure is a hint.
"""

from collections.abc import Iterator

from dbperf.catalog import server
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import duration, share

MIN_BLOCKS = 1_000_000
WARNING_PCT = 98.0
CRITICAL_PCT = 90.0


def run(context: Context) -> Iterator[Finding]:
    now = server.database(context.database)
    touched = now["blocks_hit"] + now["blocks_read"]
    ratio = share(now["blocks_hit"], touched)
    if touched >= MIN_BLOCKS and ratio < WARNING_PCT:
        yield Finding(
            check="cache_hit_ratio",
            level=Level.CRITICAL if ratio < CRITICAL_PCT else Level.WARNING,
            subject="cache",
            detail=f"{ratio} % of {touched:,} blocks came out of the cache over {duration(now['counted_s'])}.",
            remedy=Remedy(
                "Look for statements that read much; then raise shared_buffers, to a quarter of the memory."
            ),
            evidence={
                "hit_pct": ratio,
                "blocks_hit": now["blocks_hit"],
                "blocks_read": now["blocks_read"],
                "counted_s": round(now["counted_s"]),
            },
        )
