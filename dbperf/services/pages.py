"""What the staff's pages show, gathered in few statements."""

from datetime import timedelta
from typing import Any

from django.db import Error

from dbperf import reading
from dbperf.aliases import DEFAULT
from dbperf.catalog import activity
from dbperf.connections import Row, Unavailable, monitor
from dbperf.findings import Level
from dbperf.fingerprints import fingerprint
from dbperf.history import findings, origins, relations, snapshots, statements
from dbperf.models import Statement
from dbperf.services import looking, telling

SPANS = {
    "hour": (timedelta(hours=1), "minute"),
    "day": (timedelta(days=1), "hour"),
    "week": (timedelta(days=7), "hour"),
    "month": (timedelta(days=30), "day"),
}
MOST_FINDINGS = 20
MOST_ORIGINS = 5


def dashboard(span: str, *, texts: bool = False, store: str = DEFAULT) -> dict[str, Any]:
    """Now, the recent past, and what is wrong: at most six statements, three of them live."""
    age, unit = SPANS[span]
    metrics = telling.metrics(texts=texts, store=store)
    rows = findings.current(store=store).order_by("-last_seen")[:200]
    worst = sorted(rows, key=lambda row: (Level(row.level).rank, row.key))
    return {
        "metrics": metrics,
        "live": _live(),
        "peaks": snapshots.peaks(
            "hour" if span == "month" else "pulse", looking.CHARTED, age, unit=unit, store=store
        ),
        "findings": worst[:MOST_FINDINGS],
        "counts": {str(level): sum(1 for row in worst if row.level == level) for level in Level},
        "pool": looking.pool(),
    }


def _live() -> dict[str, Any] | None:
    """Of this moment; None where the database does not tell."""
    try:
        on = monitor()
        now = looking.pulse(on)
        return {"pulse": now, "sessions": _oldest(activity.sessions(on)), "blocked": activity.blocked(on)}
    except (Error, Unavailable):
        return None


def _oldest(rows: list[Row]) -> list[Row]:
    return rows[:20]


def costliest(span: str, *, texts: bool = False, store: str = DEFAULT) -> list[dict[str, Any]]:
    """The 50 statements that took most time, with their share of it."""
    age = SPANS[span][0]
    rows = statements.costliest(age, store=store, most=50)
    whole = sum(row["total_ms_sum"] for row in rows) or 1.0
    known = {row["queryid"]: fingerprint(row["text"]) for row in rows}
    places = origins.of(set(known.values()), age, store=store)
    return [
        {
            "text": row["text"] if texts else None,
            "queryid": row["queryid"],
            "statement_id": row["statement_id"],
            "calls": row["calls_sum"],
            "mean_ms": row["mean_ms"],
            "total_s": row["total_ms_sum"] / 1000,
            "share_pct": 100 * row["total_ms_sum"] / whole,
            "rows_a_call": row["rows_sum"] / max(row["calls_sum"], 1),
            "blocks_a_call": (row["blocks_hit_sum"] + row["blocks_read_sum"]) / max(row["calls_sum"], 1),
            "origins": places.get(known[row["queryid"]], [])[:MOST_ORIGINS],
        }
        for row in rows
    ]


def statement(
    statement_id: int, span: str, *, texts: bool = False, store: str = DEFAULT
) -> dict[str, Any] | None:
    """One statement over time, and where it comes from: three statements. None where there is none such."""
    row = Statement.objects.using(store).filter(pk=statement_id).first()
    if row is None:
        return None
    age, unit = SPANS[span]
    places = origins.of({fingerprint(row.text)}, age, store=store)
    return {
        "statement": row,
        "text": row.text if texts else None,
        "uses": statements.over_time(row.pk, age, unit=unit if unit != "minute" else "hour", store=store),
        "origins": [place for found in places.values() for place in found][:MOST_ORIGINS],
    }


def relations_seen(*, store: str = DEFAULT) -> dict[str, Any]:
    """Sizes and bloat as they were seen last, and the database's size over the last 90 days: three statements."""
    return {
        "size": telling.size(store=store),
        "bloat": telling.metrics(store=store)["bloat"],
        "line": relations.whole(timedelta(days=90), store=store),
    }


def endpoints(span: str, *, texts: bool = False, store: str = DEFAULT) -> dict[str, Any]:
    """What each kind of work takes, and which lines ran one statement many times in one piece of it: two statements."""
    age = SPANS[span][0]
    rows = origins.endpoints(age, store=store)
    shown = [
        {
            "kind": row["kind"],
            "name": row["name"],
            "works": row["works_sum"],
            "mean_ms": row["ms"] / max(row["works_sum"], 1),
            "database_pct": 100 * row["asked_ms"] / (row["ms"] or 1.0),
            "database_s": row["asked_ms"] / 1000,
            "calls_a_work": row["calls_sum"] / max(row["works_sum"], 1),
        }
        for row in rows
    ]
    repeating = origins.repeating(age, works=1, store=store)
    return {"endpoints": shown, "repeating": reading.all_shown(repeating, texts=texts)}
