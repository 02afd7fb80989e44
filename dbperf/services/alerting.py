"""Alerts, fed with what checks found: each look is one sample of every fault, and each turn is told once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from dbperf import checks
from dbperf.alerts import live
from dbperf.alerts.sending import said
from dbperf.alerts.states import Standing, sampled, severity, word
from dbperf.alerts.ways import ways
from dbperf.aliases import DEFAULT
from dbperf.connections import Database, monitor
from dbperf.findings import Finding, Level
from dbperf.models import Alert, AlertWord, StoredFinding

MOST_AT_ONCE = 500  # faults in one look; the least bad beyond are left out
MOST_TURNS = 4  # of one alert told within FLAPPING; what it comes to is told afterwards
FLAPPING = timedelta(hours=1)
BATCH = 100
SAMPLED = (
    "subject",
    "detail",
    "remedy",
    "level",
    "run",
    "bound",
    "told",
    "turn",
    "awake",
    "first_seen",
    "last_seen",
    "fired_at",
    "resolved_at",
)


def watch(*, database: Database | None = None, store: str = DEFAULT) -> None:
    """Makes the checks of this moment, and heeds what they found."""
    names = checks.live()
    asked = checks.context(database or monitor(), store=store)
    heed(checks.run(asked, names), asked=names, store=store)


def heed_hour(outcome: checks.Outcome, *, store: str = DEFAULT) -> None:
    """Heeds what an hourly look found, but for the checks that are made twice a minute anyway."""
    heed(outcome, asked=set(checks.found()) - set(checks.live()), store=store)


def heed(
    outcome: checks.Outcome, *, asked: Collection[str], store: str = DEFAULT, now: datetime | None = None
) -> None:
    """One sample of everything that the checks `asked` look for. One that was skipped gives none."""
    moment, given = now or timezone.now(), ways()
    names = set(asked) - {skipped.check for skipped in outcome.skipped}
    seen = _seen(outcome, names, least=given.level)
    with transaction.atomic(using=store):
        rows = _rows(seen, names, store=store, now=moment)
        hushed = _hushed(rows, store=store, now=moment)
        levels = {row.pk: row.level for row in rows}
        words = []
        for row in rows:
            _sample(row, seen.get(row.key), now=moment)
            words += _words(row, given, hushed=row.pk in hushed, now=moment)
        Alert.objects.using(store).bulk_update(rows, SAMPLED, batch_size=BATCH)
        AlertWord.objects.using(store).bulk_create(words)
        _never_fired(rows, store=store).delete()
        turned = [row.pk for row in rows if row.level != levels[row.pk]]
        if turned:
            transaction.on_commit(partial(live.tell, turned), using=store, robust=True)


def _seen(outcome: checks.Outcome, names: set[str], *, least: Level) -> dict[str, Finding]:
    found = {
        finding.key[:300]: finding
        for finding in outcome.findings
        if finding.check in names and severity(finding.level) >= severity(least)
    }
    return dict(list(found.items())[:MOST_AT_ONCE])


def _rows(seen: dict[str, Finding], names: set[str], *, store: str, now: datetime) -> list[Alert]:
    """Those that this sample concerns, locked in order; made where they are missing. Uses index: dbperf_alert_awake,
    and that of the key."""
    alerts = Alert.objects.using(store)
    wanted = Q(awake=True, check_name__in=names) | Q(key__in=list(seen))
    rows = list(alerts.select_for_update().filter(wanted).order_by("pk"))
    missing = seen.keys() - {row.key for row in rows}
    if missing:
        fresh = [
            Alert(key=key, check_name=seen[key].check, first_seen=now, last_seen=now)
            for key in sorted(missing)
        ]
        alerts.bulk_create(fresh, ignore_conflicts=True)  # another look may make the same
        rows += alerts.select_for_update().filter(key__in=missing).order_by("pk")
    return rows


def _hushed(rows: Sequence[Alert], *, store: str, now: datetime) -> set[int]:
    """Of which nothing is said at the moment: muted, here or as a suggestion, or told too often lately."""
    muted = {row.pk for row in rows if row.muted_until and row.muted_until > now}
    if not rows:
        return muted
    suggestions = StoredFinding.objects.using(store).filter(muted_until__gt=now)
    keys = set(suggestions.filter(key__in=[row.key for row in rows]).values_list("key", flat=True))
    lately = AlertWord.objects.using(store).filter(alert__in=rows, said_at__gt=now - FLAPPING)
    turns = lately.values("alert").annotate(turns=Count("turn", distinct=True))
    often = turns.filter(turns__gte=MOST_TURNS).values_list("alert", flat=True)
    return muted | {row.pk for row in rows if row.key in keys} | set(often)


def _sample(row: Alert, finding: Finding | None, *, now: datetime) -> None:
    before = Standing(_level(row.level), row.run, _level(row.bound))
    after = sampled(before, finding.level if finding else None)
    if finding:
        row.subject, row.detail = finding.subject[:250], finding.detail
        row.remedy, row.last_seen = asdict(finding.remedy), now
        if before.at_rest:
            row.first_seen = now
    if before.level is None and after.level is not None:
        row.fired_at, row.resolved_at = now, None
    elif before.level is not None and after.level is None:
        row.resolved_at = now
    row.level, row.run, row.bound = after.level or "", after.run, after.bound or ""


def _words(row: Alert, given: Iterable[str], *, hushed: bool, now: datetime) -> list[AlertWord]:
    """What is to be sent now, by each way. Notes down that it was told."""
    what = word(_level(row.told), _level(row.level), hushed=hushed)
    content = None
    if what is not None:
        row.turn += 1
        content = said(row, what, at=_iso(now))
    if not hushed:
        row.told = row.level
    row.awake = bool(row.level or row.run or row.told)
    if content is None:
        return []
    return [AlertWord(alert=row, turn=row.turn, by=by, said=content, said_at=now, due_at=now) for by in given]


def _never_fired(rows: Sequence[Alert], *, store: str) -> QuerySet[Alert]:
    """Seen once, and no more: nothing to remember."""
    gone = [row.pk for row in rows if row.fired_at is None and not row.awake and row.muted_until is None]
    return Alert.objects.using(store).filter(pk__in=gone)


def _level(kept: str) -> Level | None:
    return Level(kept) if kept else None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
