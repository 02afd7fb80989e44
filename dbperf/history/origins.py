"""Where in the project's code statements come from, and what each endpoint takes. Written by the thread of
`dbperf.tracing`, added up by the hour."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections
from django.db.models import F, FloatField, Max, Min, Sum
from django.db.models.functions import Cast
from django.utils import timezone

from dbperf.fingerprints import fingerprint, plain
from dbperf.models import EndpointHour, Origin, OriginHour
from dbperf.tracing import Sums

# One statement each, outside of a transaction: none holds a lock on more than one of our tables. By keys in order, so
# that processes that write at once do not wait for each other in a circle.
ORIGINS: Final = """
INSERT INTO dbperf_origin (fingerprint, kind, name, place, text, first_seen, first_release)
SELECT r.fingerprint, r.kind, r.name, r.place, r.text, %(now)s::timestamptz, %(release)s::text
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (fingerprint text, kind text, name text, place text, text text)
 ORDER BY 1, 2, 3, 4
ON CONFLICT (fingerprint, kind, name, place) DO NOTHING
"""
HOURS: Final = """
INSERT INTO dbperf_originhour AS h (origin_id, hour, calls, total_ms, works, repeated, most)
SELECT o.id, %(hour)s::timestamptz, r.calls, r.total_ms, r.works, r.repeated, r.most
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (fingerprint text, kind text, name text, place text, calls bigint,
       total_ms float, works bigint, repeated bigint, most bigint)
  JOIN dbperf_origin o USING (fingerprint, kind, name, place)
 ORDER BY 1
ON CONFLICT (origin_id, hour) DO UPDATE
   SET calls = h.calls + excluded.calls, total_ms = h.total_ms + excluded.total_ms, works = h.works + excluded.works,
       repeated = h.repeated + excluded.repeated, most = greatest(h.most, excluded.most)
"""
ENDPOINTS: Final = """
INSERT INTO dbperf_endpointhour AS h (kind, name, hour, works, total_ms, database_ms, calls)
SELECT r.kind, r.name, %(hour)s::timestamptz, r.works, r.total_ms, r.database_ms, r.calls
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (kind text, name text, works bigint, total_ms float,
       database_ms float, calls bigint)
 ORDER BY 1, 2
ON CONFLICT (hour, kind, name) DO UPDATE
   SET works = h.works + excluded.works, total_ms = h.total_ms + excluded.total_ms,
       database_ms = h.database_ms + excluded.database_ms, calls = h.calls + excluded.calls
"""


def keep(sums: Sums, *, store: str, release: str = "", now: datetime | None = None) -> None:
    """Adds what a process counted to this hour: three statements."""
    moment = now or timezone.now()
    hour = moment.replace(minute=0, second=0, microsecond=0)
    places, works = json.dumps(_places(sums)), json.dumps(_works(sums))
    with connections[store].cursor() as cursor:
        cursor.execute(ORIGINS, {"rows": places, "now": moment, "release": release[:64]})
        cursor.execute(HOURS, {"rows": places, "hour": hour})
        cursor.execute(ENDPOINTS, {"rows": works, "hour": hour})


def _places(sums: Sums) -> list[dict[str, Any]]:
    """A row for each; statements that differ in the length of a list only are one."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for (kind, name, (sql, file, line)), (calls, seconds, works, repeated, most) in sums.places.items():
        place = f"{file[-180:]}:{line}" if file else ""
        key = {"fingerprint": fingerprint(sql), "kind": kind, "name": name[:200], "place": place}
        empty = {"text": plain(sql), "calls": 0, "total_ms": 0.0, "works": 0, "repeated": 0, "most": 0}
        row = rows.setdefault(tuple(key.values()), key | empty)
        row["calls"] += calls
        row["total_ms"] += seconds * 1000
        row["works"] += works
        row["repeated"] += int(repeated)
        row["most"] = max(row["most"], most)
    return list(rows.values())


def _works(sums: Sums) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for (kind, name), (works, seconds, asked, calls) in sums.works.items():
        key = {"kind": kind, "name": name[:200]}
        empty = {"works": 0, "total_ms": 0.0, "database_ms": 0.0, "calls": 0}
        row = rows.setdefault((kind, name[:200]), key | empty)
        row["works"] += works
        row["total_ms"] += seconds * 1000
        row["database_ms"] += asked * 1000
        row["calls"] += calls
    return list(rows.values())


def endpoints(age: timedelta, *, store: str, most: int = 100) -> list[dict[str, Any]]:
    """Of the last `age`: how often, how long, how much of it in the database; what takes the database longest first."""
    sums: Any = EndpointHour.objects.using(store).filter(hour__gte=_since(age)).values("kind", "name")
    summed = sums.annotate(
        works_sum=Sum("works"), ms=Sum("total_ms"), asked_ms=Sum("database_ms"), calls_sum=Sum("calls")
    )
    return list(summed.order_by("-asked_ms")[:most])


def of(fingerprints: Collection[str], age: timedelta, *, store: str) -> dict[str, list[dict[str, Any]]]:
    """Fingerprint → where it came from in the last `age`, the line that ran it most first."""
    rows: Any = OriginHour.objects.using(store).filter(
        origin__fingerprint__in=set(fingerprints), hour__gte=_since(age)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _summed(rows).order_by("-calls_sum"):
        found.setdefault(row["fingerprint"], []).append(row)
    return found


def repeating(age: timedelta, *, works: int, store: str) -> Sequence[dict[str, Any]]:
    """What at least so many pieces of work ran many times each, from one line."""
    rows = _summed(OriginHour.objects.using(store).filter(hour__gte=_since(age), repeated__gt=0))
    return list(rows.filter(repeated_sum__gte=works).order_by("-calls_sum")[:50])


def _summed(rows: Any) -> Any:
    named = {name: F(f"origin__{name}") for name in ("fingerprint", "kind", "name", "place", "text")}
    return rows.values("origin_id", **named).annotate(
        calls_sum=Sum("calls"),
        works_sum=Sum("works"),
        repeated_sum=Sum("repeated"),
        most_in_one=Max("most"),
        mean_ms=Sum("total_ms") / Cast(Sum("calls"), FloatField()),
        release=Min("origin__first_release"),
        since=Min("origin__first_seen"),
    )


def forget_unused(*, store: str) -> int:
    """Lines of code that ran nothing in all the hours that are kept."""
    return Origin.objects.using(store).filter(hours=None).delete()[0]


def _since(age: timedelta) -> datetime:
    """The hour in which the last `age` began."""
    return (timezone.now() - age).replace(minute=0, second=0, microsecond=0)
