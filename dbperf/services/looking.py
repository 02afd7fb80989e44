"""Looking at the database: twice a minute and every hour. Each look is kept."""

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
from dbperf.services import judging, pooling
from dbperf.units import share

LARGEST = 50


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
    snapshots.keep("size", sizes(asked), store=store, now=now)
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
        "gaps": [asdict(gap) for gap in asked.capabilities.gaps],
        "monitor_bytes": retention.own_bytes(store=asked.store),
    }


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


def sizes(asked: checks.Context, *, age: timedelta = timedelta(days=30)) -> dict[str, Any]:
    """The database, its tables and indexes: how large, and how much larger than so long ago (or as far as is known)."""
    grown = relations.growth(age, store=asked.store)
    rows = tables.tables(asked.database)
    largest = sorted(rows, key=lambda row: -(row["size_bytes"] + row["indexes_bytes"] + row["toast_bytes"]))[
        :LARGEST
    ]
    there = sorted(indexes.indexes(asked.database), key=lambda row: -row["size_bytes"])[:LARGEST]
    return {
        "database_bytes": server.database(asked.database)["size_bytes"],
        "tables": [_table(row, grown) for row in largest],
        "indexes": [_index(row, grown) for row in there],
    }


def _table(row: Row, grown: dict[str, dict[str, int]]) -> dict[str, Any]:
    name = f"{row['schema']}.{row['name']}"
    own = row["size_bytes"] + row["toast_bytes"]
    return {
        "name": name,
        "rows": max(row["rows"], 0),
        "table_bytes": own,
        "indexes_bytes": row["indexes_bytes"],
        "total_bytes": own + row["indexes_bytes"],
        "dead_rows": row["dead"],
        "seq_scans": row["seq_scans"],
        "index_scans": row["index_scans"],
        "vacuumed_at": _time(row["vacuumed_at"]),
        "analyzed_at": _time(row["analyzed_at"]),
        **_growth(own, grown.get(f"table:{name}")),
    }


def _index(row: Row, grown: dict[str, dict[str, int]]) -> dict[str, Any]:
    name = f"{row['schema']}.{row['name']}"
    shown = {"name": name, "table": row["table"], "size_bytes": row["size_bytes"], "scans": row["scans"]}
    return {**shown, **_growth(row["size_bytes"], grown.get(f"index:{name}"))}


def _growth(now: int, first: dict[str, int] | None) -> dict[str, Any]:
    return {
        "grown_bytes": now - first["size_bytes"] if first else None,
        "grown_days": first["days"] if first else None,
    }


def _time(value: Any) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


def pool() -> dict[str, int] | None:
    """This process's connection pool: its size, what is free, who waits. None where there is no pool."""
    stats = pooling.stats()
    names = ("pool_min", "pool_max", "pool_size", "pool_available", "requests_waiting", "requests_errors")
    return None if stats is None else {name: int(stats.get(name, 0)) for name in names}
