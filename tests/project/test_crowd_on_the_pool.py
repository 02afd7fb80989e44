"""More requests than connections: they wait their turn, and not for ever."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from rest_framework_simplejwt.tokens import AccessToken

from conversations.models import User
from tests.server import Server

PEOPLE = 500
ROUNDS = 3
WITHIN_S = 120


@pytest.mark.slow
def test_five_hundred_people_on_a_pool_of_twenty(daphne: Server) -> None:
    people = User.objects.bulk_create(User(username=f"crowd-{n}", password="!") for n in range(PEOPLE))
    tokens = [str(AccessToken.for_user(each)) for each in people]
    statuses = asyncio.run(asyncio.wait_for(_everybody(daphne.port, tokens), WITHIN_S))
    assert statuses == Counter({200: PEOPLE * ROUNDS})


async def _everybody(port: int, tokens: Sequence[str]) -> Counter[int]:
    """What each was answered in each round. All are connected before the first one asks."""
    all_here = asyncio.Barrier(len(tokens))
    rounds = await asyncio.gather(*(_person(port, token, all_here) for token in tokens))
    return Counter(status for each in rounds for status in each)


async def _person(port: int, token: str, all_here: asyncio.Barrier) -> list[int]:
    """One connection that stays, one question after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await all_here.wait()
        return [await _ask(reader, writer, token) for _ in range(ROUNDS)]
    finally:
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> int:
    lines = [
        "GET /api/v1/conversations HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "",
        "",
    ]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    await reader.readexactly(int(fields[b"content-length"]))
    return int(head.split(b" ", 2)[1])


@pytest.fixture
def narrow(daphne: Server) -> Iterator[Server]:
    """A server with two connections and little patience, on the same database."""
    bounds = {"DB_POOL_MAX": "2", "DB_POOL_ACQUIRE": "1000", "DB_STATEMENT_TIMEOUT": "6000"}
    server = Server(database=daphne.database, settings=bounds)
    server.start()
    yield server
    server.stop()
    server.log.unlink()


@pytest.mark.slow
def test_a_database_that_hangs_and_a_connection_that_dies(narrow: Server) -> None:
    with ThreadPoolExecutor(10) as threads:
        with _everything_hangs() as holder:
            asked = [threads.submit(_sign_in, narrow) for _ in range(10)]
            assert _eventually(lambda: len(_waiting(holder)) == 2)
            assert httpx.get(f"{narrow.base_url}/health/live", timeout=2).status_code == 200
            assert httpx.get(f"{narrow.base_url}/health/ready", timeout=5).status_code == 200
            _end(_waiting(holder)[0])
            answers = [each.result(timeout=30) for each in asked]
        assert {each.status_code for each in answers} == {503}
        assert {each.headers["Retry-After"] for each in answers} == {"2"}
        details = Counter(each.json()["detail"].partition(";")[0] for each in answers)
        assert details["The database is out of reach"] == 1  # its connection died
        # The statement cut off, and perhaps that of somebody who took the freed thread in time.
        assert details["The database took too long to answer"] in {1, 2}
        assert details["Every connection to the database is in use"] >= 7
        assert _sign_in(narrow).status_code == 401


def _sign_in(server: Server) -> httpx.Response:
    body = {"username": "nobody", "password": "wrong"}
    return httpx.post(f"{server.base_url}/api/v1/auth/token", json=body, timeout=30)


@contextmanager
def _everything_hangs() -> Iterator[int]:
    """Nobody can read accounts meanwhile; the session that keeps them from it."""
    with psycopg.connect(_address()) as own:
        own.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        yield own.info.backend_pid


def _waiting(holder: int) -> list[int]:
    """The sessions that wait for this one. Asked from outside: a transaction sees one state of the sessions only."""
    statement = "SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    with psycopg.connect(_address(), autocommit=True) as other:
        return [pid for (pid,) in other.execute(statement, [holder])]


def _end(pid: int) -> None:
    with psycopg.connect(_address(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _address() -> str:
    return settings.DATABASE_URL.rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"


def _eventually(condition: Callable[[], bool], within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
