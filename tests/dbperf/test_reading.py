"""The texts of statements: read by those who may, by whatever door, and by nobody else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from dbperf import reading
from dbperf.aliases import MONITOR
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import findings, snapshots
from dbperf.models import Origin, OriginHour, Statement, StatementUse, StoredFinding
from dbperf.services import reporting
from tests import factories
from tests.api import Api, read

pytestmark = pytest.mark.django_db(databases=["default", MONITOR])
TEXT = "SELECT diagnosis FROM patients WHERE name = $1"
WORD = "diagnosis"
BASE = "/admin/dbperf"
PAGES = [f"{BASE}/{name}/" for name in ("dashboard", "statement", "endpointhour", "report")]
REST = ["/admin/database/metrics", "/admin/database/index-suggestions"]


@pytest.fixture(scope="module", autouse=True)
def _closed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        connections[MONITOR].close()


@pytest.fixture
def seen() -> StoredFinding:
    """The statement, in whatever is kept of it."""
    now = timezone.now()
    statement = Statement.objects.create(
        queryid=7, userid=1, dbid=1, toplevel=True, text=TEXT, first_seen=now
    )
    zeroes = dict.fromkeys(("rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes"), 0)
    uses = {"statement": statement, "window_s": 3600, "calls": 500, **zeroes}
    for days, ms in ((0, 9_000), (10, 1_000)):
        StatementUse.objects.create(**uses, taken_at=now - timedelta(days=days), total_ms=ms)
    line = Origin.objects.create(
        fingerprint="x", kind="request", name="GET", place="a.py:1", text=TEXT, first_seen=now
    )
    figures = {"calls": 90, "total_ms": 9.0, "works": 9, "repeated": 9, "most": 10}
    OriginHour.objects.create(origin=line, hour=now, **figures)
    found = Finding(
        "missing_index", Level.WARNING, "t", "It is read whole.", Remedy("Build."), {"text": TEXT}
    )
    findings.keep([found], asked=["missing_index"], store="default", now=now)
    slow = {"queryid": "7", "text": TEXT, "calls": 1, "mean_ms": 9.0, "total_ms": 9.0}
    hour = {"findings": [found.as_json()], "slow_statements": [slow], "replicas": 0}
    snapshots.keep("metrics", hour, store="default", now=now)
    report = {**reporting._found(now, store="default"), "size": {"database_bytes": 1}, "alerts": []}
    lists = {
        "statements": reporting._costliest(store="default"),
        "slower": reporting._slower(store="default"),
    }
    snapshots.keep("report", report | lists, store="default", now=now)
    return StoredFinding.objects.get()


def replies(*permissions: str, of: StoredFinding) -> dict[str, str]:
    """All that somebody of the staff gets to see, by its address."""
    user = factories.person(is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="dbperf", codename__in=permissions)
    user.user_permissions.set(ours)
    browser, api = Client(), Api(user)
    browser.force_login(user)
    answers: dict[str, Any] = {path: browser.get(path) for path in [*PAGES, _change(of)]}
    answers |= {path: api.get(path) for path in REST}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    return {path: answer.content.decode() for path, answer in answers.items()}


def _change(of: StoredFinding) -> str:
    return f"{BASE}/storedfinding/{of.pk}/change/"


LOOKING = ["view_dashboard", "view_statement", "view_endpointhour", "view_storedfinding", "view_metrics"]


def test_each_door_shows_them_to_those_who_may_and_to_nobody_else(seen: StoredFinding) -> None:
    without = replies(*LOOKING, of=seen)
    assert [path for path, reply in without.items() if WORD in reply] == []
    given = replies(*LOOKING, "view_query_text", of=seen)
    assert [path for path, reply in given.items() if WORD not in reply] == []
    assert "statement 7, text not shown" in without[PAGES[1]]


def test_they_are_null_for_programs(seen: StoredFinding) -> None:
    metrics = read(Api(factories.person(is_staff=True)).get(REST[0]))
    assert metrics["slow_statements"][0] | {"text": None} == metrics["slow_statements"][0]
    assert metrics["findings"][0]["evidence"] == {"text": None}
    assert metrics["findings"][0]["remedy"]["text"] == "Build."


def test_nobody_guesses_them_by_filters_or_by_the_past_of_a_row(seen: StoredFinding) -> None:
    user = factories.person(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=LOOKING))
    browser = Client()
    browser.force_login(user)
    asked = browser.get(f"{BASE}/storedfinding/", {"evidence__text__startswith": "SELECT d"})
    assert asked.status_code == 400
    assert browser.get(f"{BASE}/storedfinding/", {"check_name": "missing_index"}).status_code == 200
    past = browser.get(f"{BASE}/statement/{Statement.objects.get().pk}/history/")
    assert (past.status_code, WORD in past.content.decode()) == (403, False)


def test_who_has_the_permission_is_asked_each_time() -> None:
    row = {"text": TEXT, "calls": 1}
    assert reading.shown(row, texts=True) == row
    assert reading.shown(row, texts=False) == {"text": None, "calls": 1}
    assert reading.shown({"calls": 1}, texts=False) == {"calls": 1}
    assert not reading.may_read(factories.person(is_staff=True))
