"""Tables, indexes and the whole database over days: growth, and whether they were used."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from dbperf.catalog import indexes, server, tables
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
    """`table:schema.name`, `index:schema.name` or `whole:` and the database → its size and counters."""
    whole = server.database(database)
    looked: dict[str, Row] = {
        f"whole:{whole['name']}": {"size_bytes": whole["size_bytes"], "scans": 0, "writes": 0}
    }
    looked |= {
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


def by_day(names: Collection[str], age: timedelta, *, store: str) -> dict[str, list[tuple[date, int]]]:
    """`kind:name` → its size on each day of the last `age` that is known, oldest first. One statement, by the key."""
    days = RelationDay.objects.using(store).filter(name__in=set(names), day__gte=timezone.now().date() - age)
    found: dict[str, list[tuple[date, int]]] = {}
    for kind, name, day, size in days.order_by("day").values_list("kind", "name", "day", "size_bytes"):
        found.setdefault(f"{kind}:{name}", []).append((day, size))
    return found


def whole(age: timedelta, *, store: str) -> list[tuple[date, int]]:
    """The database's size on each day of the last `age`, oldest first. Uses index: dbperf_relation_day."""
    days = RelationDay.objects.using(store).filter(kind="whole", day__gte=timezone.now().date() - age)
    return list(days.order_by("day").values_list("day", "size_bytes"))


def newest_day(*, store: str) -> date | None:
    """When relations were last looked at."""
    day: date | None = RelationDay.objects.using(store).aggregate(newest=Max("day"))["newest"]
    return day
