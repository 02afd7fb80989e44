"""Statements over time, from pg_stat_statements. It is never reset by us; resets by others are noticed."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, FloatField, Max, Min, Q, Sum
from django.db.models.functions import Cast, Trunc
from django.utils import timezone

from dbperf.catalog import statements
from dbperf.catalog.server import Capabilities
from dbperf.connections import Database, Row
from dbperf.history import counters, snapshots
from dbperf.models import Snapshot, Statement, StatementUse

KIND = "statements"
FIELDS = ("calls", "total_ms", "rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes")
IDENTITY = ("queryid", "userid", "dbid", "toplevel")
MOST = 500  # a look: the costliest; the others are seldom worth their rows


def record(database: Database, capabilities: Capabilities, *, store: str, now: datetime) -> int:
    """Writes what each statement did since the last look; returns how many did anything. The first look only counts."""
    if not capabilities.statements:
        return 0
    info = statements.info(database, capabilities)
    rows = {_name(row): row for row in statements.counters(database, capabilities)}
    current = {name: [row[field] for field in FIELDS] for name, row in rows.items()}
    before = snapshots.latest(KIND, store=store)
    figures = {"reset": str(info["stats_reset"]), "evictions": info["dealloc"], "values": current}
    reset = before is not None and before.figures["reset"] != figures["reset"]
    known_of = info["dealloc"] if before is None else 0 if reset else before.figures["evictions"]
    figures["evicted"] = info["dealloc"] - known_of
    snapshots.replace(KIND, figures, store=store, now=now)
    if before is None:
        return 0
    moved = counters.deltas(current, before.figures["values"], reset=reset)
    costliest = sorted(moved, key=lambda name: -moved[name][FIELDS.index("total_ms")])[:MOST]
    known = _known(database, capabilities, [rows[name] for name in costliest], store=store, now=now)
    window_s = (now - before.taken_at).total_seconds()
    StatementUse.objects.using(store).bulk_create(
        StatementUse(
            statement_id=known[name],
            taken_at=now,
            window_s=window_s,
            **dict(zip(FIELDS, moved[name], strict=True)),
        )
        for name in costliest
        if name in known
    )
    return len(moved)


def evicted(*, store: str) -> int:
    """How often PostgreSQL threw statements out between the last two looks, for want of room: what they did is not in
    our history."""
    newest = Snapshot.objects.using(store).filter(kind=KIND).order_by("-taken_at")
    times: int | None = newest.values_list("figures__evicted", flat=True).first()
    return times or 0


def _name(row: Row) -> str:
    return ":".join(str(row[field]) for field in IDENTITY)


def _known(
    database: Database, capabilities: Capabilities, rows: list[Row], *, store: str, now: datetime
) -> dict[str, int]:
    """The kept statement of each; texts are asked for only of those never seen before."""
    kept = Statement.objects.using(store).filter(queryid__in={row["queryid"] for row in rows})
    known = {_name(each): each["id"] for each in kept.values("id", *IDENTITY)}
    fresh = [row for row in rows if _name(row) not in known]
    if fresh:
        texts = statements.texts(database, capabilities, [row["queryid"] for row in fresh])
        made = [
            Statement(
                **{field: row[field] for field in IDENTITY},
                text=text,
                own=statements.is_own(text),
                first_seen=now,
            )
            for row in fresh
            if (text := texts.get(row["queryid"]))
        ]
        for each in Statement.objects.using(store).bulk_create(made):
            known[_name({field: getattr(each, field) for field in IDENTITY})] = each.pk
    return known


def costliest(age: timedelta, *, store: str, most: int = 20) -> list[dict[str, Any]]:
    """Of the last `age`: calls, time, mean, rows; the costliest first. Our own are left out."""
    uses = StatementUse.objects.using(store).filter(taken_at__gte=timezone.now() - age, statement__own=False)
    totals = {f"{field}_sum": Sum(field) for field in FIELDS}
    mean = Sum("total_ms") / Cast(Sum("calls"), FloatField())
    named: Any = uses.values("statement_id", queryid=F("statement__queryid"), text=F("statement__text"))
    return list(named.annotate(**totals, mean_ms=mean).order_by("-total_ms_sum")[:most])


def over_time(statement_id: int, age: timedelta, *, unit: str, store: str) -> list[dict[str, Any]]:
    """What one statement did in the last `age`, by `hour` or `day`, oldest first. One statement, by its key."""
    uses: Any = StatementUse.objects.using(store).filter(
        statement=statement_id, taken_at__gte=timezone.now() - age
    )
    sums = {f"{field}_sum": Sum(field) for field in FIELDS}
    moments = uses.annotate(moment=Trunc("taken_at", unit)).values("moment")
    return list(moments.annotate(**sums).order_by("moment"))


def own_time(age: timedelta, *, store: str) -> dict[str, float] | None:
    """Of the last `age`: how long our own statements took, and all of them, in ms; over how long that was watched.
    None where nobody looked twice. One statement."""
    outer = {
        "taken_at__gte": timezone.now() - age,
        "statement__toplevel": True,
    }  # those within are in their time
    uses: Any = StatementUse.objects.using(store).filter(**outer)
    looks = uses.values("taken_at").annotate(
        all_ms=Sum("total_ms"),
        own_ms=Sum("total_ms", filter=Q(statement__own=True)),
        window_s=Max("window_s"),
    )
    rows = list(looks)
    names = ("own_ms", "all_ms", "window_s")
    return {name: sum(row[name] or 0.0 for row in rows) for name in names} if rows else None


def compared(*, recent: timedelta, earlier: timedelta, store: str) -> list[dict[str, Any]]:
    """Each statement's calls and time in the `recent` past, and in the `earlier` time before that."""
    now = timezone.now()
    late, all_of_it = Q(taken_at__gte=now - recent), Q(taken_at__gte=now - recent - earlier)
    before = all_of_it & ~late
    uses = StatementUse.objects.using(store).filter(all_of_it, statement__own=False)
    named: Any = uses.values(queryid=F("statement__queryid"), text=F("statement__text"))
    return list(
        named.annotate(
            calls_now=Sum("calls", filter=late),
            ms_now=Sum("total_ms", filter=late),
            calls_before=Sum("calls", filter=before),
            ms_before=Sum("total_ms", filter=before),
            first=Min("taken_at"),
            last=Max("taken_at"),
        )
    )


def updates_of(table: str, *, store: str) -> list[str]:
    """What updates of a table set, as far as their statements were kept: the text between SET and WHERE."""
    rows = Statement.objects.using(store).filter(text__istartswith="update", text__contains=table)
    texts = rows.values_list("text", flat=True)[:100]
    return [re.split(r"\bwhere\b", text.partition("SET")[2], flags=re.IGNORECASE)[0] for text in texts]
