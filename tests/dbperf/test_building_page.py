"""Accepting a suggestion in the browser: what is asked first, who may, and what is shown of it."""

import re
from collections.abc import Iterator

import pytest
from celery import current_app
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from conversations.models import User
from dbperf import tasks
from dbperf.aliases import MAINTENANCE, MONITOR
from dbperf.catalog import upkeep
from dbperf.connections import Database
from dbperf.maintenance.choosing import Operation
from dbperf.models import BuiltIndex, MaintenanceRun, StoredFinding
from dbperf.proposing import Proposal
from dbperf.services import building, looking, maintaining
from dbperf.verdicts import Verdict
from tests import factories
from tests.dbperf.accepting import built, suggested
from tests.dbperf.faults import session

pytestmark = pytest.mark.django_db(databases=["default", MAINTENANCE])
LIST = "/admin/dbperf/builtindex/"
NEW = Proposal("public", "messages", ("type", "-sent_at"))


@pytest.fixture(autouse=True)
def _closed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        connections[MAINTENANCE].close()


@pytest.fixture
def finding() -> StoredFinding:
    return suggested("default", NEW)


def browser_with(*permissions: str) -> Client:
    user = factories.person(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return browser_of(user)


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def change(finding: StoredFinding) -> str:
    return f"/admin/dbperf/storedfinding/{finding.pk}/change/"


def accept(finding: StoredFinding) -> str:
    return f"{LIST}accept/{finding.pk}/"


def said(browser: Client, path: str) -> list[str]:
    return [str(each) for each in browser.post(path, follow=True).context["messages"]]


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tasks are carried out where they are asked for."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.mark.django_db(databases=["default", MAINTENANCE], transaction=True)
def test_from_the_suggestion_to_the_index(
    finding: StoredFinding, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "overdue", lambda: False)
    monkeypatch.delitem(connections.settings, MONITOR)  # over which nothing can be cleared away afterwards
    browser = browser_with("view_storedfinding", "view_builtindex", "run_maintenance")
    assert accept(finding) in browser.get(change(finding)).content.decode()
    question = browser.get(accept(finding)).content.decode()
    assert f"CREATE INDEX CONCURRENTLY {NEW.name} ON public.messages (type, sent_at DESC);" in question
    assert "8.00 ms" in question
    assert "models.Index(fields=[&quot;type&quot;, &quot;-sent_at&quot;]" in question
    assert not BuiltIndex.objects.exists()  # asking is not accepting
    assert said(browser, accept(finding)) == ["A worker will build it."]
    row = BuiltIndex.objects.get()
    assert (row.state, row.name) == ("queued", NEW.name)
    with session(Database("default")) as other:
        other.execute(upkeep.LOCK)
        tasks.build_index(row.pk)
        assert f"queued ({building.WAITS})" in browser.get(LIST).content.decode()
        other.execute(upkeep.UNLOCK)
    BuiltIndex.objects.update(beat_at=timezone.now() - building.AGAIN)
    request.getfixturevalue("at_once")
    tasks.pulse()  # of the clock
    try:
        page = browser.get(LIST).content.decode()
        assert NEW.name in page
        assert "<td>valid</td><td>open</td>" in page
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_indexes WHERE indexname = %s", [NEW.name])
            assert cursor.fetchall() == [("messages",)]
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute(f"DROP INDEX {NEW.name}")


@pytest.mark.django_db(databases=["default", MAINTENANCE], transaction=True)
def test_the_clock_begins_what_waited(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(looking, "overdue", lambda: False)
    monkeypatch.delitem(connections.settings, MONITOR)  # over which nothing can be cleared away afterwards
    begun = maintaining.begin(Operation.ANALYZE, asked=["messages"], by="one")
    with session(Database(MAINTENANCE)) as builder:
        builder.execute(upkeep.LOCK)
        tasks.maintain(begun.pk)
    rows = MaintenanceRun.objects.filter(pk=begun.pk)
    assert rows.get().state == "queued"
    rows.update(beat_at=timezone.now() - maintaining.AGAIN)
    request.getfixturevalue("at_once")
    tasks.pulse()
    assert rows.get().state == "done"


def test_who_may_not(finding: StoredFinding) -> None:
    browser = browser_with("view_storedfinding", "view_builtindex", "view_maintenancerun")
    assert accept(finding) not in browser.get(change(finding)).content.decode()
    replies = [
        browser.get(accept(finding)),
        browser.post(accept(finding)),
        browser.post(LIST, {"cancel": "1"}),
    ]
    assert [reply.status_code for reply in replies] == [403] * 3
    assert browser_with("run_maintenance").get(LIST).status_code == 403
    assert Client().post(accept(finding)).status_code == 302
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(User.objects.create_superuser("the-admin", "x"))
    assert forged.post(accept(finding)).status_code == 403
    assert not BuiltIndex.objects.exists()


def test_one_that_waits_for_a_worker_is_called_off(finding: StoredFinding) -> None:
    browser = browser_with("view_storedfinding", "view_builtindex", "run_maintenance")
    browser.post(accept(finding))
    row = BuiltIndex.objects.get()
    assert 'http-equiv="refresh"' in browser.get(LIST).content.decode()
    for nonsense in ("x", "9" * 30, ""):
        assert browser.post(LIST, {"cancel": nonsense}).status_code == 302
    assert BuiltIndex.objects.get().state == "queued"
    assert browser.post(LIST, {"cancel": str(row.pk)}).status_code == 302
    assert BuiltIndex.objects.get().state == "cancelled"
    tasks.build_index(row.pk)
    assert BuiltIndex.objects.get().state == "cancelled"
    assert 'http-equiv="refresh"' not in browser.get(LIST).content.decode()


def test_what_cannot_be_built_is_said_on_the_suggestion(finding: StoredFinding) -> None:
    browser = browser_with("view_storedfinding", "view_builtindex", "run_maintenance")
    assert said(browser, accept(finding)) == ["A worker will build it."]
    assert said(browser, accept(finding)) == ["Another index is being built. There is one at a time."]
    StoredFinding.objects.update(resolved_at=timezone.now())
    assert said(browser, accept(finding)) == ["It is no index that is missing."]
    assert accept(finding) not in browser.get(change(finding)).content.decode()
    assert browser.get(f"{LIST}accept/{finding.pk + 1}/").status_code == 404
    assert browser.get(f"{LIST}accept/{'9' * 30}/").status_code == 404
    assert BuiltIndex.objects.count() == 1


def test_the_verdict_is_shown_with_its_figures() -> None:
    figures = {
        "judged_at": timezone.now(),
        "calls_after": 612,
        "ms_after": 0.25,
        "blocks_after": 5.0,
        "scans": 613,
    }
    built(Database("default"), NEW, verdict=Verdict.CONFIRMED, **figures)
    page = browser_with("view_builtindex").get(LIST).content.decode()
    cells = re.findall(r"<td>([^<]*)</td>", page)
    assert cells[-9:] == ["valid", "confirmed", "100", "612", "10.00", "0.25", "400", "5", "613"]


def test_nothing_was_accepted_yet() -> None:
    assert "None was accepted yet" in browser_with("view_builtindex").get(LIST).content.decode()
