"""What was seen, as it is told to programs, commands and pages: out of what is kept, so that asking costs three indexed
reads and looks at no catalog."""

from datetime import datetime
from typing import Any

from dbperf import reading
from dbperf.aliases import DEFAULT
from dbperf.history import findings, retention, snapshots
from dbperf.models import Snapshot, StoredFinding
from dbperf.services import looking
from dbperf.units import share

BLOAT = ("table_bloat", "index_bloat")
KINDS = {
    "unused": "unused_index",
    "duplicate": "duplicate_index",
    "overlapping": "overlapping_index",
    "invalid": "invalid_index",
    "missing": "sequential_scans",
    "missing_index": "missing_index",
    "missing_foreign_key": "unindexed_foreign_key",
    "bloated": "index_bloat",
    "drift": "model_drift",
}


NO_SIZE: dict[str, Any] = {
    **dict.fromkeys(("database_bytes", "grown_bytes", "grown_days", "forecast", "limit_bytes", "days_left")),
    "tables": [],
    "indexes": [],
}


def metrics(*, texts: bool = False, store: str = DEFAULT) -> dict[str, Any]:
    """How the database is: the last pulse, and what the last hour found. What was never looked at is None, and so are
    the texts of statements, unless `texts` are asked for."""
    newest = snapshots.latest_of(["pulse", "metrics"], store=store)
    pulse, hour = newest.get("pulse"), newest.get("metrics")
    now: dict[str, Any] = pulse.figures if pulse else {}
    figures: dict[str, Any] = hour.figures if hour else {}
    found = [_finding(each, texts=texts) for each in figures.get("findings", [])]
    return {
        "as_of": _when(pulse),
        "hour_as_of": _when(hour),
        "server": figures.get("server"),
        "pool": looking.pool(),
        "sessions": _sessions(now) if now else None,
        "locks": {"waiting": now["waiting"], "deadlocks": now["deadlocks"]} if now else None,
        "transactions": {"commits": now["commits"], "rollbacks": now["rollbacks"]} if now else None,
        "cache": _cache(now) if now else None,
        "slow_statements": reading.all_shown(figures.get("slow_statements", []), texts=texts),
        "index_use": figures.get("index_use"),
        "bloat": [each for each in found if each["check"] in BLOAT],
        "vacuum": figures.get("vacuum"),
        "wraparound": figures.get("wraparound"),
        "replication": {"replicas": figures["replicas"]} if figures else None,
        "findings": found,
        "skipped": figures.get("skipped", []),
        "gaps": figures.get("gaps", []),
        "monitor": _monitor(figures),
    }


def _finding(kept: dict[str, Any], *, texts: bool) -> dict[str, Any]:
    return {**kept, "evidence": reading.shown(kept["evidence"], texts=texts)}


def _monitor(figures: dict[str, Any]) -> dict[str, Any]:
    """What the watching itself takes: room, and of the database's time."""
    took = figures.get("monitor_time") or {}
    return {
        "size_bytes": figures.get("monitor_bytes"),
        "budget_bytes": retention.budget_bytes(),
        "time_ms": round(took["own_ms"], 1) if took else None,
        "time_share_pct": share(took["own_ms"], took["all_ms"], digits=3) if took else None,
        "time_window_s": round(took["window_s"]) if took else None,
    }


def _sessions(now: dict[str, Any]) -> dict[str, Any]:
    names = ("connections", "available", "active", "idle", "idle_in_transaction")
    spans = ("longest_transaction_s", "longest_idle_in_transaction_s")
    return {name: now[name] for name in names} | {name: round(now[name], 3) for name in spans}


def _cache(now: dict[str, Any]) -> dict[str, Any]:
    hit, read = now["blocks_hit"], now["blocks_read"]
    return {
        "hit_pct": share(hit, hit + read),
        "blocks_hit": hit,
        "blocks_read": read,
        "counted_since": now["stats_reset"],
    }


def size(*, store: str = DEFAULT) -> dict[str, Any]:
    """The database, its largest tables and indexes, and how they grew, as of the last hourly look."""
    kept = snapshots.latest("size", store=store)
    return {"as_of": _when(kept), **NO_SIZE, **(kept.figures if kept else {})}


def suggestions(*, kind: str = "", texts: bool = False, store: str = DEFAULT) -> dict[str, Any]:
    """What could be better about the indexes: each with evidence, the SQL, and the line of the model."""
    names = [KINDS[kind]] if kind else list(KINDS.values())
    rows = findings.current(store=store, checks=names).order_by("check_name", "key")[:500]
    kept = snapshots.latest("metrics", store=store)
    kinds = {check: name for name, check in KINDS.items()}
    results = [_suggestion(row, kinds[row.check_name], texts=texts) for row in rows]
    return {"as_of": _when(kept), "results": results}


def _suggestion(row: StoredFinding, kind: str, *, texts: bool) -> dict[str, Any]:
    return {
        "key": row.key,
        "kind": kind,
        "level": row.level,
        "subject": row.subject,
        "detail": row.detail,
        "evidence": reading.shown(row.evidence, texts=texts),
        "remedy": row.remedy["text"],
        "sql": row.remedy["sql"],
        "model": row.remedy["model"],
        "first_seen": _iso(row.first_seen),
        "last_seen": _iso(row.last_seen),
    }


def _when(kept: Snapshot | None) -> str | None:
    return _iso(kept.taken_at) if kept else None


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
