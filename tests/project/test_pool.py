"""The pool against a server that is away, busy, or was restarted."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout, TooManyRequests

from chatbackend.embedded.processes import free_port
from chatbackend.postgres.pool import FRESH_FAILURE_S, ImpatientPool, NoAnswer, ServerAway
from conversations.models import User
from tests import factories
from tests.realtime.proxy import Proxy
from tests.server import ROOT, Server

Clock = Callable[[], float]
DATABASE = urlsplit(settings.DATABASE_URL).path.lstrip("/")


@contextmanager
def pool(url: str | None = None, *, evict_s: float = 1.0, **options: Any) -> Iterator[ImpatientPool]:
    bounds = {"min_size": 0, "max_size": 1, "timeout": 10.0} | options
    address = conninfo_to_dict(url or settings.DATABASE_URL, connect_timeout=2) | {"autocommit": True}
    made = ImpatientPool(kwargs=address, evict_s=evict_s, open=True, **bounds)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def elapsed() -> Clock:
    start = time.monotonic()
    return lambda: time.monotonic() - start


def test_a_server_that_is_away_is_told_early_then_at_once(elapsed: Clock) -> None:
    with pool(f"postgresql://nobody@127.0.0.1:{free_port()}/none") as away:
        with pytest.raises(ServerAway):
            away.getconn()
        assert elapsed() < 8  # of the ten seconds that a busy one is waited for
        asked = away.get_stats()["requests_num"]
        with pytest.raises(ServerAway):
            away.getconn()
        assert away.get_stats()["requests_num"] == asked  # nobody stood in line


def test_a_busy_pool_waits_its_whole_time(elapsed: Clock) -> None:
    with pool(timeout=1.2) as busy:
        held = busy.getconn()
        before = elapsed()
        with pytest.raises(PoolTimeout):
            busy.getconn()
        assert 1.1 < elapsed() - before < 8
        busy.putconn(held)
        busy.putconn(busy.getconn())


def test_too_many_waiting_are_refused_at_once() -> None:
    with pool(max_size=1, max_waiting=1) as full:
        held = full.getconn()
        with pytest.raises((PoolTimeout, TooManyRequests)):
            full.getconn(timeout=0.05)
        full.putconn(held)


def test_a_connection_that_died_while_idle_is_replaced() -> None:
    with pool(evict_s=0.000_001) as looking:
        first = looking.getconn()
        pid = first.info.backend_pid
        looking.putconn(first)
        terminate(pid)
        second = looking.getconn()
        assert second.info.backend_pid != pid
        assert second.execute("SELECT 1").fetchone() == (1,)
        looking.putconn(second)


def test_without_looking_it_would_have_been_handed_out() -> None:
    with pool(evict_s=0) as careless:
        first = careless.getconn()
        careless.putconn(first)
        terminate(first.info.backend_pid)
        again = careless.getconn()
        with pytest.raises(psycopg.OperationalError):
            again.execute("SELECT 1")
        careless.putconn(again)


@contextmanager
def silent(database: str) -> Iterator[tuple[str, Proxy]]:
    """A way to the run's PostgreSQL that can be kept from answering."""
    proxy = Proxy()
    try:
        yield proxy.url(database), proxy
    finally:
        proxy.close()


def test_a_statement_that_is_not_answered_is_given_up() -> None:
    with silent(DATABASE) as (url, proxy), pool(url, patience_s=0.4) as patient:
        asked = patient.getconn()
        proxy.hush()
        with pytest.raises(NoAnswer):
            asked.execute("SELECT 1")
        assert asked.closed
        patient.putconn(asked)
        proxy.mend()
        again = patient.getconn()
        assert again.execute("SELECT 2").fetchone() == (2,)
        patient.putconn(again)


def test_a_server_that_stands_still_is_told_after_one_look() -> None:
    """However many idle connections there are: each look would take its time."""
    bounds = {"min_size": 3, "max_size": 3, "evict_s": 0.000_001, "look_s": 0.6}
    with silent(DATABASE) as (url, proxy), pool(url, **bounds) as idle:
        idle.wait()
        proxy.hush()
        with pytest.raises(ServerAway):
            idle.getconn()
        assert idle.get_stats()["pool_available"] == 2
        proxy.mend()
        time.sleep(FRESH_FAILURE_S)
        idle.putconn(idle.getconn())


@pytest.mark.django_db
def test_no_cursor_is_left_at_the_server() -> None:
    """A pooler gives the next chunk of rows to another session, where there is none. Choices of forms are read so."""
    factories.persons(3)
    for _ in User.objects.iterator(chunk_size=1):
        with connection.cursor() as other:
            other.execute("SELECT name FROM pg_cursors WHERE name LIKE '%django%'")
            assert other.fetchall() == []


def terminate(pid: int) -> None:
    """End a session and wait until its backend is gone."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


FULL = """
import threading
from contextlib import suppress
from django.db import Error, connections
from dbperf import checks, tracing
from dbperf.aliases import MAINTENANCE
from dbperf.connections import monitor
from dbperf.services import watching

held, done = threading.Event(), threading.Event()

def hold():
    connections["default"].ensure_connection()
    held.set()
    done.wait(30)
    connections["default"].close()

holder = threading.Thread(target=hold)
holder.start()
held.wait(30)
with suppress(Error):
    connections["default"].ensure_connection()
watching._keep(tracing.Sums())
done.set()
holder.join()
asked = checks.context(monitor(), store=MAINTENANCE)
print([str(found.level) for found in checks.run(asked, ["pool_saturation"]).findings])
"""


def test_a_full_pool_is_told_of_past_itself(transactional_db: None) -> None:
    """By the thread that takes figures away, which would wait for a connection as everybody does."""
    bounds = {"DB_POOL_MIN": "1", "DB_POOL_MAX": "1", "DB_POOL_ACQUIRE": "300"}
    server = Server(database=str(connection.settings_dict["NAME"]), settings=bounds)
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", FULL],
        env=server.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    server.log.unlink()
    assert told.stdout.strip() == "['critical']", told.stderr[-2000:]
