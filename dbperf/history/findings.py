"""Findings from when they were first seen until they are gone."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from dbperf.findings import Finding
from dbperf.models import StoredFinding

UPDATED = ["check_name", "level", "subject", "detail", "evidence", "remedy", "last_seen", "resolved_at"]


def keep(found: Sequence[Finding], *, asked: Collection[str], store: str, now: datetime) -> None:
    """What is there now. What the checks `asked` found earlier and do not find any more is resolved."""
    StoredFinding.objects.using(store).bulk_create(
        [_row(finding, now) for finding in {each.key: each for each in found}.values()],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=UPDATED,
    )
    open_ones = StoredFinding.objects.using(store).filter(check_name__in=list(asked), resolved_at=None)
    open_ones.exclude(key__in=[finding.key for finding in found]).update(resolved_at=now)


def _row(finding: Finding, now: datetime) -> StoredFinding:
    return StoredFinding(
        key=finding.key[:300],
        check_name=finding.check,
        level=str(finding.level),
        subject=finding.subject[:250],
        detail=finding.detail,
        evidence=dict(finding.evidence),
        remedy=asdict(finding.remedy),
        first_seen=now,
        last_seen=now,
    )


def current(*, store: str, checks: Collection[str] = ()) -> QuerySet[StoredFinding]:
    """Open and not muted, of these checks or of all."""
    unmuted = Q(muted_until=None) | Q(muted_until__lte=timezone.now())
    rows = StoredFinding.objects.using(store).filter(unmuted, resolved_at=None)
    return rows.filter(check_name__in=list(checks)) if checks else rows


def resolved_since(when: datetime, *, store: str) -> list[str]:
    """The keys of what was found gone since then."""
    rows = StoredFinding.objects.using(store).filter(resolved_at__gte=when)
    return list(rows.order_by("key").values_list("key", flat=True))
