"""The staff's pages: empty, and with something to show; bounded statements; nothing that the policy forbids."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from conversations.models import User
from dbperf import charts
from dbperf.aliases import MONITOR
from dbperf.connections import Database
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import findings, snapshots
from dbperf.models import EndpointHour, OriginHour, Statement, StatementUse, StoredFinding
from dbperf.services import looking

pytestmark = pytest.mark.django_db(databases=["default", MONITOR])
BASE = "/admin/dbperf/"
PAGES = [
    f"{BASE}{name}/" for name in ("dashboard", "statement", "relationday", "storedfinding", "endpointhour")
]


MORE = [f"{BASE}{name}/" for name in ("alert", "report", "maintenancerun", "builtindex", "explaincall")]


@pytest.fixture(scope="module", autouse=True)
def _closed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nothing keeps the database of the tests from being dropped."""
    yield
    with django_db_blocker.unblock():
        connections[MONITOR].close()


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("the-admin", "x"))
    return client


@pytest.fixture
def seen() -> None:
    """Two hours of looking, and one costly statement."""
    here, now = Database("default"), timezone.now()
    pulse = looking.pulse(here)
    for minute in range(90):
        snapshots.keep(
            "pulse", pulse | {"active": minute % 7}, store="default", now=now - timedelta(minutes=minute)
        )
    statement = Statement.objects.create(
        queryid=7, userid=1, dbid=1, toplevel=True, text="SELECT <b>costly</b> FROM messages", first_seen=now
    )
    figures = dict.fromkeys(("rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes"), 5)
    StatementUse.objects.create(
        statement=statement, taken_at=now, window_s=3600, calls=50, total_ms=5000, **figures
    )
    looking.keep_hour(database=here)


def one_statement() -> str:
    return f"{BASE}statement/{Statement.objects.get(queryid=7).pk}/change/"


def one_suggestion() -> str:
    return f"{BASE}storedfinding/{StoredFinding.objects.order_by('pk')[0].pk}/change/"


def open_page(browser: Client, path: str) -> str:
    reply = browser.get(path)
    assert reply.status_code == 200
    return reply.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_history_is_said_to_be_one(browser: Client, path: str) -> None:
    EndpointHour.objects.all().delete()  # what other tests asked for in this process is counted, too
    OriginHour.objects.all().delete()
    page = open_page(browser, path)
    assert re.search(r"yet|not enough|0 suggestions|in this time", page)


@pytest.mark.usefixtures("seen")
def test_what_was_seen_is_shown(browser: Client) -> None:
    dashboard, statements, relations, suggestions, _ = (open_page(browser, path) for path in PAGES)
    assert connection.settings_dict["NAME"] in dashboard
    assert dashboard.count("<polyline") == 4
    assert "fsync is off" in dashboard
    assert "SELECT &lt;b&gt;costly&lt;/b&gt; FROM messages" in statements
    assert "public.messages" in relations
    assert "fsync is off" in suggestions
    assert dashboard.count("100.00") == 1  # the costly statement's mean, in ms


@pytest.mark.usefixtures("seen")
def test_few_statements(browser: Client) -> None:
    spans = [f"{PAGES[0]}?span=month", f"{PAGES[0]}?span=hour"]
    asked = {}
    for path in [*PAGES, *MORE, *spans, one_statement(), one_suggestion()]:
        with CaptureQueriesContext(connection) as kept, CaptureQueriesContext(connections[MONITOR]) as live:
            open_page(browser, path)
        asked[path] = len(kept) + len(live)
    assert {path: count for path, count in asked.items() if count > 10} == {}


@pytest.mark.usefixtures("seen")
def test_one_statement_over_time(browser: Client) -> None:
    statement = Statement.objects.get(queryid=7)
    StatementUse.objects.create(
        statement=statement,
        taken_at=timezone.now() - timedelta(hours=3),
        window_s=3600,
        calls=10,
        total_ms=2_000,
        **dict.fromkeys(("rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes"), 40),
    )
    assert one_statement() in open_page(browser, PAGES[1])
    page = open_page(browser, one_statement())
    assert "SELECT &lt;b&gt;costly&lt;/b&gt; FROM messages" in page
    assert page.count("<polyline") == 4
    assert ("Mean: at most 200 ms" in page, "Calls: at most 50" in page) == (True, True)
    assert "not enough was seen" in open_page(browser, f"{one_statement()}?span=hour")
    for nothing in ("0", "x", "9" * 30):
        assert browser.get(f"{BASE}statement/{nothing}/change/").status_code == 404


@pytest.mark.usefixtures("seen")
def test_a_month_is_shown_by_the_peaks_of_its_hours(browser: Client) -> None:
    """Pulses are kept for a week."""
    for days in (0, 3, 20):
        figures = dict.fromkeys(looking.CHARTED, float(days + 1))
        snapshots.keep("hour", figures, store="default", now=timezone.now() - timedelta(days=days))
    assert "Active sessions: at most 21" in open_page(browser, f"{PAGES[0]}?span=month")
    assert (
        snapshots.since("hour", timedelta(hours=1), store="default")[0].figures["active"] == 6
    )  # of the look


@pytest.mark.usefixtures("seen")
def test_nothing_inline_and_nothing_from_elsewhere(browser: Client) -> None:
    for path in [*PAGES, *MORE, one_statement()]:
        page = open_page(browser, path)
        own = page[page.index('id="content"') :] if 'id="content"' in page else page
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", own), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), path


def test_spans_that_there_are_not_mean_a_day(browser: Client) -> None:
    assert "<strong>last day</strong>" in open_page(browser, f"{PAGES[0]}?span=<script>")


def test_who_may_look() -> None:
    user = User.objects.create_user("staff", "x", is_staff=True)
    client = Client()
    client.force_login(user)
    assert [client.get(path).status_code for path in PAGES] == [403] * 5
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_dashboard", "view_storedfinding"])
    )
    assert [client.get(path).status_code for path in PAGES] == [200, 403, 403, 200, 403]
    assert Client().get(PAGES[0]).status_code == 302


def test_muting(browser: Client) -> None:
    found = Finding("blocking", Level.WARNING, "pid 1", "It waits.", Remedy("End it."))
    findings.keep([found], asked=["blocking"], store="default", now=timezone.now())
    row = StoredFinding.objects.get()
    for action, left in (("mute", 0), ("unmute", 1)):
        form = {"action": action, "_selected_action": [str(row.pk)]}
        assert browser.post(PAGES[3], form).status_code == 302
        assert findings.current(store="default").count() == left


def test_who_may_only_look_mutes_nothing() -> None:
    user = User.objects.create_user("staff", "x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_storedfinding"))
    found = Finding("blocking", Level.WARNING, "pid 1", "It waits.", Remedy("End it."))
    findings.keep([found], asked=["blocking"], store="default", now=timezone.now())
    client = Client()
    client.force_login(user)
    client.post(PAGES[3], {"action": "mute", "_selected_action": [str(StoredFinding.objects.get().pk)]})
    assert findings.current(store="default").count() == 1


def test_one_finding(browser: Client) -> None:
    found = Finding(
        "unused_index", Level.WARNING, "a.b", "Idle.", Remedy("Drop it.", "DROP INDEX <b>;"), {"days": 30}
    )
    findings.keep([found], asked=["unused_index"], store="default", now=timezone.now())
    page = open_page(browser, f"{PAGES[3]}{StoredFinding.objects.get().pk}/change/")
    assert "DROP INDEX &lt;b&gt;;" in page
    assert "days: 30" in page


def test_lines() -> None:
    now = timezone.now()
    assert "not enough" in charts.line([], title="Sessions")
    assert "not enough" in charts.line([(now, 1.0)], title="Sessions")
    drawn = charts.line([(now - timedelta(hours=1), 0.0), (now, 5.0)], title="<b>", unit=" s")
    assert "&lt;b&gt;: at most 5 s" in drawn
    assert 'points="0.0,110.0 560.0,6.0"' in drawn
    flat = charts.line([(now - timedelta(hours=1), 0.0), (now, 0.0)], title="none")
    assert "none: at most 0" in flat
    assert "0.0,110.0 560.0,110.0" in flat
