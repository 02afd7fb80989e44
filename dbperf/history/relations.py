"""Tables and indexes over days: growth, and whether they were used."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from dbperf.catalog import indexes, tables
from dbperf.connections import Database, Row
from dbperf.history import counters, snapshots
from dbperf.models import RelationDay

KIND = "relations"


def record(database: Database, *, stats_reset: object, store: str, now: datetime) -> int:
    """Adds what was used since the last look to today's line of each table and index; returns how many lines."""
    looked = _looked(database)
    before = snapshots.latest(KIND, store=store)
    values = {name: [row["scans"], row["writes"]] for name, row in looked.items()}
    snapshots.replace(KIND, {"reset": str(stats_reset), "values": values}, store=store, now=now)
    earlier: Mapping[str, Any] = before.figures if before else {"reset": str(stats_reset), "values": values}
    moved = counters.deltas(values, earlier["values"], reset=earlier["reset"] != str(stats_reset))
    today = {
        f"{each.kind}:{each.name}": each for each in RelationDay.objects.using(store).filter(day=now.date())
    }
    lines = [
        _line(name, row, moved.get(name, [0, 0]), today.get(name), now.date()) for name, row in looked.items()
    ]
    RelationDay.objects.using(store).bulk_create(
        lines,
        update_conflicts=True,
        unique_fields=["kind", "name", "day"],
        update_fields=["size_bytes", "scans", "writes"],
    )
    return len(lines)


def _looked(database: Database) -> dict[str, Row]:
    """`table:schema.name` or `index:schema.name` → its size and counters."""
    looked = {
        f"table:{row['schema']}.{row['name']}": {
            "size_bytes": row["size_bytes"] + row["toast_bytes"],
            "scans": row["seq_scans"] + row["index_scans"],
            "writes": row["inserts"] + row["updates"] + row["deletes"],
        }
        for row in tables.tables(database)
    }
    for row in indexes.indexes(database):
        figures = {"size_bytes": row["size_bytes"], "scans": row["scans"], "writes": 0}
        looked[f"index:{row['schema']}.{row['name']}"] = figures
    return looked


def _line(name: str, row: Row, moved: list[float], today: RelationDay | None, day: date) -> RelationDay:
    kind, _, relation = name.partition(":")
    scans, writes = (int(value) for value in moved)
    return RelationDay(
        kind=kind,
        name=relation,
        day=day,
        size_bytes=row["size_bytes"],
        scans=scans + (today.scans if today else 0),
        writes=writes + (today.writes if today else 0),
    )


def watched(kind: str, age: timedelta, *, store: str) -> dict[str, dict[str, Any]]:
    """Name → over how many days it was watched, from which day on, and its scans in that time."""
    since = timezone.now().date() - age
    lines = RelationDay.objects.using(store).filter(kind=kind, day__gte=since)
    summed: Any = lines.values("name").annotate(days=Count("day"), first=Min("day"), scans_sum=Sum("scans"))
    return {row["name"]: row for row in summed}


def growth(age: timedelta, *, store: str) -> dict[str, dict[str, int]]:
    """`kind:name` → its size on the first day of the last `age` that is known, and how many days ago that is."""
    today = timezone.now().date()
    lines = RelationDay.objects.using(store).filter(day__gte=today - age)
    first = {
        (row["kind"], row["name"]): row["first"]
        for row in lines.values("kind", "name").annotate(first=Min("day"))
    }
    found: dict[str, dict[str, int]] = {}
    for line in lines.filter(day__in=set(first.values())):
        if first[line.kind, line.name] == line.day:
            days = (today - line.day).days
            found[f"{line.kind}:{line.name}"] = {"size_bytes": line.size_bytes, "days": days}
    return found


def newest_day(*, store: str) -> date | None:
    """When relations were last looked at."""
    day: date | None = RelationDay.objects.using(store).aggregate(newest=Max("day"))["newest"]
    return day
