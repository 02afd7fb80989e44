"""What indexes that were built on advice are good for, looked at every hour until it is clear."""

from datetime import datetime, timedelta

from dbperf.catalog import builds, server
from dbperf.connections import Database
from dbperf.history import relations, uses
from dbperf.models import BuiltIndex
from dbperf.verdicts import Use, Verdict, verdict

CLEAR = (Verdict.CONFIRMED, Verdict.DROPPED)
LOOKED_AT = timedelta(days=30)  # after which it stays as it was judged last
MOST = 100
JUDGED = ["verdict", "judged_at", "calls_after", "ms_after", "blocks_after", "scans"]


def judge(database: Database, *, store: str, now: datetime) -> None:
    """Each whose verdict may change yet."""
    young = BuiltIndex.objects.using(store).filter(state="valid", built_at__gte=now - LOOKED_AT)
    rows = list(young.exclude(verdict__in=CLEAR).order_by("-pk")[:MOST])
    if not rows:
        return
    read = relations.watched("index", LOOKED_AT, store=store)
    counted = not server.replicas(database)
    for row in rows:
        standing = builds.standing(database, row.schema, row.name)
        seen = read.get(f"{row.schema}.{row.name}", {"scans_sum": 0})["scans_sum"]
        # PostgreSQL may have begun to count anew; our history did not
        row.scans, row.judged_at = max(standing["scans"] if standing else 0, seen), now
        row.verdict = _judged(row, now, counted=counted, store=store) if standing else Verdict.DROPPED
    BuiltIndex.objects.using(store).bulk_update(rows, JUDGED)


def _judged(row: BuiltIndex, now: datetime, *, counted: bool, store: str) -> Verdict:
    """By what its statement did in the looks since it was built."""
    built_at = row.built_at or now
    after = uses.begun_since(row.queryid, built_at, store=store)
    row.calls_after, row.ms_after, row.blocks_after = after.calls, after.ms, after.blocks
    before = Use(row.calls_before, row.ms_before, row.blocks_before)
    return verdict(before, after, scans=row.scans, age=now - built_at, counted=counted)
