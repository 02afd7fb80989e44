"""Ending what a session does: first its statement, then itself, and none that is not to be ended."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import psycopg
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test import Client
from pytest_django import DjangoDbBlocker

from conversations.models import User
from dbperf.aliases import MONITOR
from dbperf.connections import Database
from tests import factories, services
from tests.dbperf.faults import session, until

pytestmark = pytest.mark.django_db(databases=["default", MONITOR])
PAGE = "/admin/dbperf/dashboard/"


@pytest.fixture(autouse=True)
def _closed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        connections[MONITOR].close()


@pytest.fixture
def warden() -> User:
    """Staff who may end sessions."""
    user = factories.person("warden", is_staff=True)
    names = ["view_dashboard", "kill_backend"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def busy() -> Iterator[psycopg.Connection[Any]]:
    """A session that sleeps in a statement."""
    with suppress(psycopg.Error), session(Database("default")) as other:  # it may have been ended
        other.pgconn.send_query(b"BEGIN; SELECT pg_sleep(300)")
        until(lambda: _state(other.info.backend_pid) == "active")
        yield other
        if other.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
            other.cancel()
            _drained(other)


def _state(pid: int) -> str:
    _look_again()
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid])
        found = cursor.fetchone()
    return str(found[0]) if found else "gone"


def _drained(other: psycopg.Connection[Any]) -> str:
    """What became of its statement, as SQLSTATE."""
    told = ""
    while result := other.pgconn.get_result():
        told = (result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"").decode() or told
    return told


def _look_again() -> None:
    """Within a transaction, as a test is one, PostgreSQL goes on showing the sessions that it showed first."""
    for alias in ("default", MONITOR):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")


def started(pid: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM pg_stat_activity"
            " WHERE pid = %s",
            [pid],
        )
        return str(cursor.fetchone()[0])


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def ask(browser: Client, act: str, pid: int, began: str = "") -> str:
    _look_again()
    reply = browser.post(PAGE, {"act": act, "pid": pid, "started": began or started(pid)}, follow=True)
    (told,) = [str(each) for each in reply.context["messages"]]
    return told


def test_a_statement_then_the_session(warden: User, busy: psycopg.Connection[Any]) -> None:
    browser, pid = browser_of(warden), busy.info.backend_pid
    page = browser.get(PAGE).content.decode()
    assert re.search(
        rf'name="pid" value="{pid}"><input type="hidden" name="started" value="{started(pid)}"', page
    )
    assert ask(browser, "terminate", pid).startswith("Cancel its statement first")
    assert _state(pid) == "active"
    assert ask(browser, "cancel", pid) == "Cancelled its statement."
    assert _drained(busy) == "57014"
    assert ask(browser, "terminate", pid) == "Ended the session."
    until(lambda: _state(pid) == "gone")
    entries = LogEntry.objects.order_by("pk").values_list("user_id", "object_repr", "change_message")
    about = f"session {pid} (somebody)"
    assert list(entries) == [
        (warden.pk, about, "Cancelled its statement."),
        (warden.pk, about, "Ended the session."),
    ]


def test_a_number_that_was_given_again_is_another_session(
    warden: User, busy: psycopg.Connection[Any]
) -> None:
    told = ask(browser_of(warden), "cancel", busy.info.backend_pid, "2020-01-01 00:00:00.000000")
    assert told.startswith("There is no such session any more")
    assert _state(busy.info.backend_pid) == "active"
    assert not LogEntry.objects.exists()


def test_whom_nobody_ends(warden: User) -> None:
    """The page's own session, dbperf's, PostgreSQL's processes, another database's, and a superuser's."""
    browser = browser_of(warden)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type IN ('checkpointer', 'walwriter')"
            " OR application_name LIKE 'dbperf-%' OR pid = pg_backend_pid()"
        )
        pids = [pid for (pid,) in cursor.fetchall()]
    assert len(pids) >= 4
    with ExitStack() as stack:
        keeper = stack.enter_context(session(Database("default")))
        keeper.execute("SET application_name = 'dbperf-maintenance'")
        others = [stack.enter_context(psycopg.connect(**way)) for way in _not_to_be_ended()]
        for pid in [*pids, *(other.info.backend_pid for other in (keeper, *others))]:
            assert ask(browser, "cancel", pid).startswith("There is no such session")
        _look_again()
        page = browser.get(PAGE).content.decode()
        assert f"<td>{keeper.info.backend_pid}</td>" in page
    own = connection.connection.info.backend_pid  # at work only because a test is a transaction
    assert set(re.findall(r'name="pid" value="(\d+)"', page)) <= {str(own)}
    assert not LogEntry.objects.exists()


def _not_to_be_ended() -> Iterator[dict[str, Any]]:
    """Ways to a session of another database, and to a superuser's where the run has made the server."""
    known = connection.get_connection_params()
    names = {"dbname", "host", "port", "user", "password"}
    here: dict[str, Any] = {name: value for name, value in known.items() if name in names}
    yield {**here, "dbname": "template1"}
    for server in services.STARTED:
        password = (server.state / "postgres_password").read_text().strip()
        yield {**here, "user": "postgres", "password": password}


def test_who_may_not(busy: psycopg.Connection[Any]) -> None:
    looker = factories.person("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_dashboard"))
    browser, pid = browser_of(looker), busy.info.backend_pid
    given = {"act": "cancel", "pid": pid, "started": started(pid)}
    page = browser.get(PAGE).content.decode()
    assert f"<td>{pid}</td>" in page
    assert 'name="pid"' not in page
    assert browser.post(PAGE, given).status_code == 403
    looker.user_permissions.set(Permission.objects.filter(codename="kill_backend"))
    assert browser_of(User.objects.get(pk=looker.pk)).post(PAGE, given).status_code == 403
    assert _state(pid) == "active"


def test_without_a_token_or_a_session_nothing_is_done(warden: User, busy: psycopg.Connection[Any]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(warden)
    pid = busy.info.backend_pid
    assert strict.post(PAGE, {"act": "cancel", "pid": pid, "started": started(pid)}).status_code == 403
    browser = browser_of(warden)
    for bad in (
        {},
        {"act": "erase"},
        {"pid": "9" * 30},
        {"pid": "x"},
        {"started": "\0"},
        {"started": "x" * 99},
    ):
        reply = browser.post(
            PAGE, {"act": "cancel", "pid": pid, "started": "x", **bad} if bad else {}, follow=True
        )
        assert [str(each) for each in reply.context["messages"]] == ["No session was named."]
    assert _state(pid) == "active"
