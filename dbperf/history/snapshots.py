"""Figures of one moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import FloatField, Max
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Trunc
from django.utils import timezone

from dbperf.models import Snapshot

# What is asked for most. Written out: to have it put together takes longer than PostgreSQL does to answer it.
NEWEST: Final = """
SELECT s.id, s.kind, s.taken_at, s.figures
  FROM unnest(%s::text[]) AS wanted (kind)
 CROSS JOIN LATERAL (SELECT * FROM dbperf_snapshot k WHERE k.kind = wanted.kind ORDER BY k.taken_at DESC LIMIT 1) s
"""


def keep(kind: str, figures: dict[str, Any], *, store: str, now: datetime | None = None) -> Snapshot:
    """One more of its kind."""
    return Snapshot.objects.using(store).create(kind=kind, taken_at=now or timezone.now(), figures=figures)


def replace(kind: str, figures: dict[str, Any], *, store: str, now: datetime) -> None:
    """The only one of its kind."""
    kept = keep(kind, figures, store=store, now=now)
    Snapshot.objects.using(store).filter(kind=kind).exclude(pk=kept.pk).delete()


def latest(kind: str, *, store: str) -> Snapshot | None:
    """Uses index: dbperf_snapshot_newest."""
    return Snapshot.objects.using(store).filter(kind=kind).order_by("-taken_at").first()


def first_since(kind: str, when: datetime, *, store: str) -> Snapshot | None:
    """The oldest since then. Uses index: dbperf_snapshot_newest."""
    return Snapshot.objects.using(store).filter(kind=kind, taken_at__gte=when).order_by("taken_at").first()


def latest_of(kinds: Sequence[str], *, store: str) -> dict[str, Snapshot]:
    """The newest of each kind, in one statement. Uses index: dbperf_snapshot_newest."""
    return {row.kind: row for row in Snapshot.objects.using(store).raw(NEWEST, [list(kinds)])}


def since(kind: str, age: timedelta, *, store: str, most: int = 3_000) -> list[Snapshot]:
    """Those of the last `age`, oldest first."""
    newest = Snapshot.objects.using(store).filter(kind=kind, taken_at__gte=timezone.now() - age)
    return list(newest.order_by("-taken_at")[:most])[::-1]


def highest(kind: str, figures: Sequence[str], age: timedelta, *, store: str) -> dict[str, float | None]:
    """The highest of each figure in the last `age`; None where there is none. One statement."""
    kept = Snapshot.objects.using(store).filter(kind=kind, taken_at__gte=timezone.now() - age)
    return kept.aggregate(**_highest(figures))


def peaks(
    kind: str, figures: Sequence[str], age: timedelta, *, unit: str, store: str
) -> list[dict[str, Any]]:
    """The highest of each figure by minute, hour or day, as `{moment, figure: …}`, oldest first. One statement."""
    kept: Any = Snapshot.objects.using(store).filter(kind=kind, taken_at__gte=timezone.now() - age)
    moments = kept.annotate(moment=Trunc("taken_at", unit)).values("moment")
    return list(moments.annotate(**_highest(figures)).order_by("moment"))


def _highest(figures: Sequence[str]) -> dict[str, Any]:
    return {name: Max(Cast(KeyTextTransform(name, "figures"), FloatField())) for name in figures}
