"""Looking at the database: twice a minute and every hour. Each look is kept."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from dbperf import checks
from dbperf.aliases import DEFAULT
from dbperf.catalog import activity, indexes, server, tables
from dbperf.connections import Database, Row, monitor
from dbperf.history import findings, relations, retention, snapshots, statements
from dbperf.models import Snapshot
from dbperf.services import judging, pooling, sizing
from dbperf.units import share

CHARTED = ("connections", "active", "waiting", "longest_transaction_s")
HOUR = timedelta(hours=1)


def pulse(database: Database | None = None) -> dict[str, Any]:
    """How it is now: one statement, which looks at no table."""
    now = activity.pulse(database or monitor())
    now["stats_reset"] = _time(now["stats_reset"])
    return now


def keep_pulse(*, database: Database | None = None, store: str = DEFAULT) -> Snapshot:
    """Takes a pulse and keeps it."""
    return snapshots.keep("pulse", pulse(database), store=store)


def overdue(*, store: str = DEFAULT) -> bool:
    """Whether nobody looked thoroughly yet. Uses index: dbperf_snapshot_newest."""
    return snapshots.latest("metrics", store=store) is None


def keep_hour(*, database: Database | None = None, store: str = DEFAULT) -> checks.Outcome:
    """What changed within the hour: statements, relations, verdicts, metrics, sizes, findings; then room is made."""
    watched, now = database or monitor(), timezone.now()
    asked = checks.context(watched, store=store)
    statements.record(watched, asked.capabilities, store=store, now=now)
    relations.record(watched, stats_reset=asked.capabilities.stats_reset, store=store, now=now)
    judging.judge(watched, store=store, now=now)
    outcome = check(asked, now=now)
    snapshots.keep("metrics", metrics(asked, outcome), store=store, now=now)
    snapshots.keep("hour", snapshots.highest("pulse", CHARTED, HOUR, store=store), store=store, now=now)
    snapshots.keep("size", sizing.sizes(asked), store=store, now=now)
    retention.prune(store=store)
    return outcome


def check(asked: checks.Context, *, now: datetime | None = None) -> checks.Outcome:
    """Runs every check and keeps what they found."""
    outcome = checks.run(asked)
    looked = set(checks.found()) - {skipped.check for skipped in outcome.skipped}
    findings.keep(outcome.findings, asked=looked, store=asked.store, now=now or timezone.now())
    return outcome


def metrics(asked: checks.Context, outcome: checks.Outcome) -> dict[str, Any]:
    """The figures of an hour that cost more than a pulse."""
    whole = server.database(asked.database)
    rows = tables.tables(asked.database)
    return {
        "server": {
            "version": asked.capabilities.server_version,
            "database": asked.capabilities.database,
            "replica": asked.capabilities.replica,
        },
        "cache_hit_pct": share(whole["blocks_hit"], whole["blocks_hit"] + whole["blocks_read"]),
        "temp_bytes": whole["temp_bytes"],
        "counted_s": round(whole["counted_s"]),
        "size_bytes": whole["size_bytes"],
        "index_use": _index_use(asked.database, rows),
        "vacuum": {
            "dead_rows": sum(row["dead"] for row in rows),
            "live_rows": sum(row["live"] for row in rows),
            "oldest_vacuum": _time(
                min((row["vacuumed_at"] for row in rows if row["vacuumed_at"]), default=None)
            ),
        },
        "wraparound": {"xid_age": whole["xid_age"], "mxid_age": whole["mxid_age"], "end": 2**31},
        "replicas": len(server.replicas(asked.database)),
        "slow_statements": _slow(asked),
        "findings": [finding.as_json() for finding in outcome.findings],
        "skipped": [asdict(skipped) for skipped in outcome.skipped],
        "gaps": [asdict(gap) for gap in (*asked.capabilities.gaps, *_evicted(asked.store))],
        "monitor_bytes": retention.own_bytes(store=asked.store),
        "monitor_time": statements.own_time(timedelta(days=1), store=asked.store),
    }


def _evicted(store: str) -> Iterator[server.Gap]:
    """Statements that are not in our history, where there are any."""
    if times := statements.evicted(store=store):
        costs = f"pg_stat_statements threw some out {times:,} times since the look before: what they did is not known"
        yield server.Gap("seldom statements", costs, "Raise pg_stat_statements.max.")


def _index_use(database: Database, rows: list[Row]) -> dict[str, Any]:
    by_index, whole = sum(row["index_scans"] for row in rows), sum(row["seq_scans"] for row in rows)
    there = indexes.indexes(database)
    return {
        "index_scans": by_index,
        "seq_scans": whole,
        "index_scan_pct": share(by_index, by_index + whole),
        "indexes": len(there),
        "never_scanned": sum(1 for row in there if not row["scans"]),
    }


def _slow(asked: checks.Context) -> list[dict[str, Any]]:
    return [
        {
            "queryid": str(row["queryid"]),
            "text": row["text"],
            "calls": row["calls_sum"],
            "mean_ms": round(row["mean_ms"], 3),
            "total_ms": round(row["total_ms_sum"], 1),
        }
        for row in statements.costliest(timedelta(days=1), store=asked.store, most=10)
    ]


def _time(value: Any) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


def pool() -> dict[str, int] | None:
    """This process's connection pool: its size, what is free, who waits. None where there is no pool."""
    stats = pooling.stats()
    names = ("pool_min", "pool_max", "pool_size", "pool_available", "requests_waiting", "requests_errors")
    return None if stats is None else {name: int(stats.get(name, 0)) for name in names}
