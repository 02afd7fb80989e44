"""The week's report: what grew, what took the time, what got slower, which indexes are for nothing, what was wrong."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from dbperf import checks
from dbperf.aliases import DEFAULT
from dbperf.connections import Database, monitor
from dbperf.history import findings, snapshots, statements
from dbperf.models import Alert, Snapshot
from dbperf.services import looking, sizing

KIND: Final = "report"
WEEK: Final = timedelta(days=7)
INDEXES: Final = ("unused_index", "duplicate_index", "overlapping_index")
MOST = 10  # of each
MOST_OPEN = 200
MOST_ALERTS = 50
MOST_SHOWN = 26  # reports in the list: half a year
TEXT_CHARS = 500  # of a statement
MIN_CALLS = 50
MIN_MEAN_MS = 1.0


def keep_week(*, database: Database | None = None, store: str = DEFAULT) -> dict[str, Any]:
    """Looks, and keeps what came of the week."""
    now = timezone.now()
    asked = checks.context(database or monitor(), store=store)
    looking.check(asked, now=now)
    report = {
        **_found(now, store=store),
        "size": _size(asked, now),
        "statements": _costliest(store=store),
        "slower": _slower(store=store),
        "alerts": _alerts(now, store=store),
    }
    snapshots.keep(KIND, report, store=store, now=now)
    return report


def _found(now: datetime, *, store: str) -> dict[str, Any]:
    """What is open, what came, what went; of indexes also what to do."""
    rows = list(findings.current(store=store).order_by("check_name", "subject")[:MOST_OPEN])
    return {
        "open": [_short(row) for row in rows],
        "new": [row.key for row in rows if row.first_seen >= now - WEEK],
        "resolved": findings.resolved_since(now - WEEK, store=store)[:MOST_OPEN],
        "indexes": [
            {"detail": row.detail, "sql": row.remedy.get("sql", "")}
            for row in rows
            if row.check_name in INDEXES
        ][:MOST],
    }


def _size(asked: checks.Context, now: datetime) -> dict[str, Any]:
    """Now, and how much more than at the first look of the week."""
    sizes = sizing.sizes(asked, age=WEEK)
    first = snapshots.first_since("size", now - WEEK, store=asked.store)
    whole = sizes["database_bytes"]
    grown = sorted(
        (row for row in sizes["tables"] if row["grown_bytes"]), key=lambda row: -row["grown_bytes"]
    )
    names = ("name", "total_bytes", "grown_bytes", "grown_days")
    return {
        "database_bytes": whole,
        "grown_bytes": whole - first.figures["database_bytes"] if first else None,
        "tables": [{name: row[name] for name in names} for row in grown[:MOST]],
    }


def _costliest(*, store: str) -> list[dict[str, Any]]:
    return [
        {
            "queryid": str(row["queryid"]),
            "text": row["text"][:TEXT_CHARS],
            "calls": row["calls_sum"],
            "mean_ms": round(row["mean_ms"], 3),
            "total_s": round(row["total_ms_sum"] / 1000, 1),
        }
        for row in statements.costliest(WEEK, store=store, most=MOST)
    ]


def _slower(*, store: str) -> list[dict[str, Any]]:
    """By how much more time they took in all than at the pace of the week before, the worst first."""
    rows = [_pace(row) for row in statements.compared(recent=WEEK, earlier=WEEK, store=store) if _enough(row)]
    slower = [row for row in rows if row["mean_ms"] >= MIN_MEAN_MS and row["cost_s"] > 0]
    return sorted(slower, key=lambda row: -row["cost_s"])[:MOST]


def _enough(row: dict[str, Any]) -> bool:
    return min(row["calls_now"] or 0, row["calls_before"] or 0) >= MIN_CALLS


def _pace(row: dict[str, Any]) -> dict[str, Any]:
    now, before = row["ms_now"] / row["calls_now"], row["ms_before"] / row["calls_before"]
    return {
        "queryid": str(row["queryid"]),
        "text": row["text"][:TEXT_CHARS],
        "calls": row["calls_now"],
        "mean_ms": round(now, 3),
        "before_ms": round(before, 3),
        "cost_s": round((now - before) * row["calls_now"] / 1000, 1),
    }


def _alerts(now: datetime, *, store: str) -> list[dict[str, Any]]:
    """What fired within the week, or still stood in it."""
    rows = Alert.objects.using(store).filter(
        Q(fired_at__gte=now - WEEK) | Q(resolved_at__gte=now - WEEK) | ~Q(level="")
    )
    return [
        {
            "key": row.key,
            "detail": row.detail,
            "fired_at": _iso(row.fired_at),
            "resolved_at": _iso(row.resolved_at),
        }
        for row in rows.order_by("-fired_at")[:MOST_ALERTS]
    ]


def kept(*, store: str = DEFAULT) -> list[Snapshot]:
    """The list of reports, newest first, without what they say. Uses index: dbperf_snapshot_newest."""
    rows = Snapshot.objects.using(store).filter(kind=KIND).order_by("-taken_at")
    return list(rows.defer("figures")[:MOST_SHOWN])


def one(report_id: int | None, *, store: str = DEFAULT) -> Snapshot | None:
    """The one asked for; the newest where there is no such report."""
    rows = Snapshot.objects.using(store).filter(kind=KIND).order_by("-taken_at")
    asked = rows.filter(pk=report_id).first() if report_id is not None else None
    return asked or rows.first()


def _short(row: Any) -> dict[str, Any]:
    return {"key": row.key, "level": row.level, "detail": row.detail, "first_seen": _iso(row.first_seen)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
