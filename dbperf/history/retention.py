"""Keeps our own history small: so many of each, and never more bytes than its budget."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from dbperf.catalog import tables
from dbperf.connections import Database
from dbperf.history import origins, snapshots
from dbperf.models import (
    Alert,
    AlertWord,
    BuiltIndex,
    EndpointHour,
    ExplainCall,
    MaintenanceRun,
    Origin,
    OriginHour,
    RelationDay,
    Snapshot,
    Statement,
    StatementUse,
    StoredFinding,
)

BUDGET_BYTES = 256 * 1024 * 1024
SNAPSHOTS = {
    "pulse": 20_160,
    "metrics": 168,
    "size": 720,
    "hour": 2_160,
    "report": 104,
    "plans": 90,
    "pool": 20_160,
}  # a week twice, 30 days, 90 days, two years, 90 days; of pools a week in which somebody always waits for two of them
MOST: dict[type[models.Model], int] = {
    StatementUse: 200_000,
    RelationDay: 100_000,
    StoredFinding: 10_000,
    ExplainCall: 10_000,
    MaintenanceRun: 1_000,
    BuiltIndex: 1_000,
    OriginHour: 200_000,
    EndpointHour: 50_000,
    AlertWord: 10_000,
}
MOST_ALERTS = 5_000  # of those that are over
NEARLY = 0.9  # of the budget: from there on a quarter of the longest histories goes
ALL_THE_SAME = 1.05  # times as large as it was then: another quarter
LONGEST: tuple[type[models.Model], ...] = (StatementUse, RelationDay, Snapshot, OriginHour)
LIMITS = "limits"


def prune(*, store: str) -> int:
    """Deletes what is beyond the numbers, the oldest first; returns how many rows."""
    gone = sum(_beyond_kind(kind, most, store=store) for kind, most in SNAPSHOTS.items())
    gone += sum(_beyond(model, most, store=store) for model, most in MOST.items())
    gone += _alerts_beyond(MOST_ALERTS, store=store)
    gone += _within_budget(store=store)
    gone += origins.forget_unused(store=store)
    unused = Statement.objects.using(store).filter(uses=None)
    return gone + unused.delete()[0]


def budget_bytes() -> int:
    """How large all of this may become: `DBPERF["BUDGET_BYTES"]`."""
    return int(getattr(settings, "DBPERF", {}).get("BUDGET_BYTES", BUDGET_BYTES))


def ours() -> set[str]:
    """The names of our tables."""
    kept: list[type[models.Model]] = [Snapshot, Statement, Origin, Alert, *MOST]
    return {model._meta.db_table for model in kept}


def own_bytes(*, store: str) -> int:
    """What our tables take with their indexes, as of their last VACUUM or ANALYZE."""
    rows = [row for row in tables.tables(Database(store)) if row["name"] in ours()]
    return sum(row["size_bytes"] + row["indexes_bytes"] + row["toast_bytes"] for row in rows)


def _beyond_kind(kind: str, most: int, *, store: str) -> int:
    rows = Snapshot.objects.using(store).filter(kind=kind)
    last = rows.order_by("-taken_at").values_list("taken_at", flat=True)[most : most + 1].first()
    return rows.filter(taken_at__lte=last).delete()[0] if last else 0


def _beyond(model: type[models.Model], most: int, *, store: str) -> int:
    rows = model._default_manager.using(store)
    last = rows.order_by("-pk").values_list("pk", flat=True)[most : most + 1].first()
    return rows.filter(pk__lte=last).delete()[0] if last else 0


def _alerts_beyond(most: int, *, store: str) -> int:
    """Never one that stands, however old, nor one that is muted. Uses index: dbperf_alert_newest."""
    rows = Alert.objects.using(store).filter(awake=False).exclude(muted_until__gt=timezone.now())
    last = rows.order_by("-last_seen").values_list("last_seen", flat=True)[most : most + 1].first()
    return rows.filter(last_seen__lte=last).delete()[0] if last else 0


def _within_budget(*, store: str) -> int:
    """Nearly over it, three quarters of what grows are kept, and no more from then on. Files do not become smaller by
    that: what is deleted is room for what comes. So it is remembered, or each look would take a quarter."""
    size, limits = own_bytes(store=store), snapshots.latest(LIMITS, store=store)
    if size <= NEARLY * budget_bytes():
        return limits.delete()[0] if limits else 0
    limits = limits or snapshots.keep(LIMITS, {"bytes": 0}, store=store)
    if size > ALL_THE_SAME * limits.figures["bytes"]:
        rows = {model._meta.db_table: _three_quarters(model, store=store) for model in LONGEST}
        limits.figures = {"bytes": size, "rows": rows}
    snapshots.replace(
        LIMITS, limits.figures, store=store, now=timezone.now()
    )  # as the newest it is kept itself
    rows = limits.figures["rows"]
    return sum(_beyond(model, rows[model._meta.db_table], store=store) for model in LONGEST)


def _three_quarters(model: type[models.Model], *, store: str) -> int:
    count = model._default_manager.using(store).count()
    return count - count // 4
