"""Alerts: when a fault becomes one and when it is over, what is told of it, and who keeps it quiet."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from dbperf import checks
from dbperf.alerts import live
from dbperf.alerts.states import Standing, Word, sampled, word
from dbperf.checks import idle_in_transaction
from dbperf.connections import Database
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import findings, retention
from dbperf.models import Alert, AlertWord, StoredFinding
from dbperf.services import alerting, alerts
from tests.dbperf.faults import session

LEVELS = {"-": None, "I": Level.INFO, "W": Level.WARNING, "C": Level.CRITICAL}


# --- the rule, without a database


@pytest.mark.parametrize(
    ("seen", "levels"),
    [
        ("W", "-"),  # one look wakes nobody
        ("WW", "-W"),
        ("W-W-W-W", "-------"),
        ("WC", "-W"),  # both reached a warning
        ("WCC", "-WW"),
        ("WCCC", "-WWC"),
        ("CC", "-C"),
        ("CC--", "-CCC"),  # two looks call nobody off
        ("CC---", "-CCC-"),
        ("CC--C--", "-CCCCCC"),
        ("CCWWW", "-CCCW"),
        ("CC-W-", "-CCCW"),  # all three were below, none further than a warning each time
        ("WW---WW", "-WWW--W"),
    ],
)
def test_levels_lag_behind_what_is_seen(seen: str, levels: str) -> None:
    standing, went = Standing(), []
    for each in seen:
        standing = sampled(standing, LEVELS[each])
        went.append(standing.level)
    assert went == [LEVELS[each] for each in levels]


@pytest.mark.parametrize(
    ("told", "level", "said"),
    [
        ("-", "W", Word.FIRED),
        ("W", "C", Word.RAISED),
        ("C", "W", None),
        ("W", "W", None),
        ("W", "-", Word.RESOLVED),
        ("-", "-", None),
    ],
)
def test_what_there_is_to_say(told: str, level: str, said: Word | None) -> None:
    assert word(LEVELS[told], LEVELS[level], hushed=False) == said
    assert word(LEVELS[told], LEVELS[level], hushed=True) is None


# --- on a database


@pytest.fixture(autouse=True)
def _ways(settings: Settings) -> None:
    settings.DBPERF = {"ALERTS": {"MAILS": ["ann@example.org"]}}


@pytest.fixture
def store(database: Database) -> Iterator[str]:
    yield database.alias
    for model in (Alert, StoredFinding):
        model._default_manager.using(database.alias).all().delete()


def fault(subject: str = "pid 1", level: Level = Level.WARNING, check: str = "blocking") -> Finding:
    return Finding(check, level, subject, f"{subject} is in the way.", Remedy("End it.", "SELECT 1;"))


class Clock:
    """Looks, half a minute apart."""

    def __init__(self, store: str) -> None:
        self.store = store
        self.begin = self.now = timezone.now()

    def look(self, *found: Finding, skipped: Sequence[str] = ()) -> None:
        self.now += timedelta(seconds=30)
        left_out = [checks.Skipped(name, "locked") for name in skipped]
        outcome = checks.Outcome(list(found), left_out)
        alerting.heed(outcome, asked=["blocking"], store=self.store, now=self.now)

    def looks(self, seen: str) -> None:
        for each in seen:
            level = LEVELS[each]
            self.look(*([fault(level=level)] if level else []))

    def told(self) -> list[str]:
        rows = AlertWord.objects.using(self.store).order_by("pk")
        return [row.said["what"] for row in rows]


@pytest.fixture
def clock(store: str) -> Clock:
    return Clock(store)


def only(store: str) -> Alert:
    return Alert.objects.using(store).get()


def test_a_fault_fires_and_resolves(clock: Clock, settings: Settings) -> None:
    settings.DBPERF["ALERTS"] |= {"WEBHOOK_URL": "https://hooks.example.org", "WEBHOOK_SECRET": "s"}
    clock.looks("WW")
    row = only(clock.store)
    assert (row.level, row.fired_at, row.first_seen) == (
        "warning",
        clock.now,
        clock.begin + timedelta(seconds=30),
    )
    clock.looks("WCC---")
    row = only(clock.store)
    assert (row.level, row.resolved_at, row.awake) == ("", clock.now, False)
    both = [(each, by) for each in ("fired", "raised", "resolved") for by in ("mail", "webhook")]
    words = AlertWord.objects.using(clock.store).order_by("turn", "by")
    assert [(each.said["what"], each.by) for each in words] == both
    assert words[0].said["detail"] == "pid 1 is in the way."
    clock.looks("WW")  # and another time
    row = only(clock.store)
    assert (row.first_seen, row.resolved_at) == (clock.now - timedelta(seconds=30), None)


def test_what_was_seen_once_leaves_nothing(clock: Clock) -> None:
    clock.looks("W")
    assert only(clock.store).level == ""
    clock.looks("-")
    assert not Alert.objects.using(clock.store).exists()
    assert clock.told() == []


def test_a_check_that_could_not_be_made_says_nothing(clock: Clock) -> None:
    clock.looks("WW")
    for _ in range(5):
        clock.look(skipped=["blocking"])
    assert only(clock.store).level == "warning"
    clock.looks("---")
    assert only(clock.store).level == ""


def test_each_fault_is_one_alert(clock: Clock) -> None:
    for _ in range(3):
        clock.look(fault("pid 1"), fault("pid 2"), fault("pid 2"))
    alerting.heed(checks.Outcome(), asked=["settings"], store=clock.store)  # looked for something else
    rows = Alert.objects.using(clock.store).order_by("key")
    assert [(row.key, row.level) for row in rows] == [
        ("blocking:pid 1", "warning"),
        ("blocking:pid 2", "warning"),
    ]
    assert clock.told() == ["fired", "fired"]


def test_what_is_only_worth_knowing_is_no_alert(clock: Clock, settings: Settings) -> None:
    clock.looks("III")
    assert not Alert.objects.using(clock.store).exists()
    settings.DBPERF["ALERTS"]["LEVEL"] = "info"
    clock.looks("II")
    assert only(clock.store).level == "info"


def test_one_that_comes_and_goes_is_told_four_times_an_hour(clock: Clock) -> None:
    clock.looks("WW---" * 3)
    assert clock.told() == ["fired", "resolved", "fired", "resolved"]
    clock.now += timedelta(minutes=50)
    clock.looks("WWWW")
    assert len(clock.told()) == 4
    clock.now += timedelta(minutes=10)
    clock.looks("WW")  # it stays
    assert clock.told()[4:] == ["fired"]
    assert only(clock.store).level == "warning"


def test_muted_ones_are_told_afterwards(clock: Clock) -> None:
    clock.looks("W")
    row = only(clock.store)
    alerts.mute(row.pk, by="ann", reason="known", lasting=timedelta(minutes=30), store=clock.store)
    clock.looks("WWW")
    assert (only(clock.store).level, clock.told()) == ("warning", [])
    clock.now += timedelta(minutes=30)
    clock.looks("W")
    assert clock.told() == ["fired"]
    alerts.mute(row.pk, by="ann", reason="known", lasting=timedelta(days=1), store=clock.store)
    clock.looks("---")
    assert (only(clock.store).level, clock.told()) == ("", ["fired"])
    assert alerts.unmute(row.pk, store=clock.store)
    assert not alerts.unmute(row.pk, store=clock.store)
    clock.looks("-")
    assert clock.told() == ["fired", "resolved"]


def test_muted_suggestions_are_quiet(clock: Clock) -> None:
    findings.keep([fault()], asked=["blocking"], store=clock.store, now=clock.begin)
    StoredFinding.objects.using(clock.store).update(muted_until=clock.begin + timedelta(days=1))
    clock.looks("CCC")
    assert (only(clock.store).level, clock.told()) == ("critical", [])


def test_many_at_once(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, the worst first, and in as many statements for many as for two."""
    monkeypatch.setattr(alerting, "MOST_AT_ONCE", 25)
    few = [fault(f"pid {number}") for number in range(2)]
    clock.look(*few)
    with CaptureQueriesContext(connections[clock.store]) as for_two:
        clock.look(*few)
    many = [fault(f"pid {number}", Level.CRITICAL) for number in range(20)]
    clock.look(*many)
    with CaptureQueriesContext(connections[clock.store]) as for_many:
        clock.look(*many)
    assert len(for_many) == len(for_two) <= 9
    clock.look(*many, *(fault(f"another {number}") for number in range(20)))
    assert Alert.objects.using(clock.store).filter(subject__startswith="another").count() == 5


def test_a_real_fault(database: Database, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_in_transaction, "WARNING_S", 0.0)
    with session(database) as other:
        other.execute("SELECT 1")
        alerting.watch(database=database, store=store)
        alerting.watch(database=database, store=store)
        row = Alert.objects.using(store).get(check_name="idle_in_transaction")
        assert (row.level, row.subject) == ("warning", f"pid {other.info.backend_pid}")
    for _ in range(3):
        alerting.watch(database=database, store=store)
    row.refresh_from_db(using=store)
    assert (row.level, row.told) == ("", "")


def test_hourly_looks_leave_the_live_checks_alone(store: str) -> None:
    for _ in range(2):
        alerting.heed_hour(checks.Outcome([fault(), fault("fsync", check="settings")]), store=store)
    assert only(store).key == "settings:fsync"


def test_who_listens_hears_of_turns(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = list[list[int]]()

    def broken(changed: Collection[int]) -> None:
        raise RuntimeError

    monkeypatch.setattr(live, "_listeners", [])
    live.heard_by(broken)

    def hear(changed: Collection[int]) -> None:
        heard.append(list(changed))

    live.heard_by(hear)
    live.heard_by(hear)
    clock.looks("WWWC")
    row = only(clock.store)
    assert heard == [[row.pk]]
    alerts.mute(row.pk, by="ann", reason="known", lasting=timedelta(days=1), store=clock.store)
    assert not alerts.mute(row.pk + 1, by="ann", reason="known", lasting=timedelta(days=1), store=clock.store)
    clock.looks("---")
    assert heard == [[row.pk]] * 3


def aged(store: str, days: int, **given: object) -> Alert:
    then: datetime = timezone.now() - timedelta(days=days)
    fixed = {"check_name": "blocking", "first_seen": then, "last_seen": then, "fired_at": then}
    return Alert.objects.using(store).create(**{"key": str(days), "awake": False, **fixed, **given})


def test_only_so_many_are_kept(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_ALERTS", 1)
    aged(store, 1)
    aged(store, 2)
    aged(store, 3)
    aged(store, 4, awake=True, level="warning")
    aged(store, 5, muted_until=timezone.now() + timedelta(days=1))
    assert retention.prune(store=store) == 2
    assert sorted(Alert.objects.using(store).values_list("key", flat=True)) == ["1", "4", "5"]
