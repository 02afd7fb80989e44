"""Alerts as people see them: what stands, what is muted and by whom, what is over."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Case, Prefetch, Q, QuerySet, When, prefetch_related_objects
from django.utils import timezone

from dbperf.alerts import live
from dbperf.aliases import DEFAULT
from dbperf.findings import Level
from dbperf.models import Alert, AlertWord

MOST = 100
MOST_PAST = 50
MOST_WORDS = 4  # of each, the latest
RANK = Case(*(When(level=str(level), then=level.rank) for level in Level))


@dataclass(frozen=True, slots=True)
class Shown:
    """`standing`: worst first, of equals the newest. `muted`: whether they stand or not. `past`: latest first."""

    standing: list[Alert] = field(default_factory=list)
    muted: list[Alert] = field(default_factory=list)
    past: list[Alert] = field(default_factory=list)


def shown(*, store: str = DEFAULT) -> Shown:
    """All three, each with the last words that were sent: four statements."""
    alerts, now = Alert.objects.using(store), timezone.now()
    muted = Q(muted_until__gt=now)
    standing = list(alerts.exclude(level="").exclude(muted).order_by(RANK, "-last_seen")[:MOST])
    silent = list(alerts.filter(muted).order_by("muted_until")[:MOST])
    over = alerts.filter(level="").exclude(resolved_at=None).exclude(muted)
    past = list(over.order_by("-resolved_at")[:MOST_PAST])
    words = AlertWord.objects.using(store).order_by("-turn", "by")[:MOST_WORDS]
    prefetch_related_objects([*standing, *silent, *past], Prefetch("words", words, "sent"))
    return Shown(standing, silent, past)


def mute(alert_id: int, *, by: str, reason: str, lasting: timedelta, store: str = DEFAULT) -> bool:
    """No word of it for so long. What is still there afterwards is told then. Whether there is such an alert."""
    until = timezone.now() + lasting
    rows = Alert.objects.using(store).filter(pk=alert_id)
    return _set(rows, muted_until=until, muted_by=by[:150], mute_reason=reason[:200])


def unmute(alert_id: int, *, store: str = DEFAULT) -> bool:
    """Word of it is sent again. Whether it was muted."""
    rows = Alert.objects.using(store).filter(pk=alert_id, muted_until__gt=timezone.now())
    return _set(rows, muted_until=None, muted_by="", mute_reason="")


def _set(rows: QuerySet[Alert], **values: Any) -> bool:
    """Changes one, and says so to those who look at it."""
    changed = list(rows.values_list("pk", flat=True))
    if not changed or not rows.update(**values):
        return False
    transaction.on_commit(partial(live.tell, changed), using=rows.db, robust=True)
    return True


def as_json(row: Alert) -> dict[str, Any]:
    """For programs."""
    muted = row.muted_until is not None and row.muted_until > timezone.now()
    return {
        "key": row.key,
        "check": row.check_name,
        "subject": row.subject,
        "level": row.level or None,
        "detail": row.detail,
        "remedy": row.remedy.get("text", ""),
        "sql": row.remedy.get("sql", ""),
        "fired_at": _iso(row.fired_at),
        "last_seen": _iso(row.last_seen),
        "resolved_at": _iso(row.resolved_at),
        "muted": {"until": _iso(row.muted_until), "by": row.muted_by, "reason": row.mute_reason}
        if muted
        else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
