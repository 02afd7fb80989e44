"""Redis or PostgreSQL is there, takes what it is told, and answers nothing. Nobody waits for Redis for long; those who
wait for PostgreSQL have their answer when it moves again, or are told that there is none. What is asked meanwhile is
answered within PATIENCE_S."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from django.db import connection

from chatbackend.embedded.redis import Redis
from conversations.models import User
from messaging.models import Message
from tests import factories, services
from tests.realtime.client import token_of
from tests.realtime.conftest import Join
from tests.realtime.proxy import Proxy
from tests.server import Server

PATIENCE_S = 8.0

pytestmark = pytest.mark.slow


@contextmanager
def _server(**settings: str) -> Iterator[Server]:
    server = Server(database=str(connection.settings_dict["NAME"]), settings=settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.log.unlink(missing_ok=True)


def _rest(server: Server, user: User) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    return httpx.Client(base_url=f"{server.base_url}/api/v1", headers=headers, timeout=PATIENCE_S)


@contextmanager
def _standing_still(redis: Redis) -> Iterator[None]:
    assert redis.process is not None
    redis.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        redis.process.send_signal(signal.SIGCONT)


def _ask_everything(rest: httpx.Client, room: UUID) -> list[int]:
    """By what leans on Redis the most: counted, kept, told to others."""
    said: dict[str, Any] = {"client_id": "r", "content": "over REST"}
    return [
        rest.post(f"/conversations/{room}/messages", json=said).status_code,
        rest.get(f"/conversations/{room}/stats").status_code,
        rest.get("/users", params={"search": "bob"}).status_code,
        rest.get("/conversations").status_code,
    ]


def test_a_redis_that_stands_still(
    alice: User, bob: User, join: Join, own_redis: Redis, daphne: Server
) -> None:
    room = factories.direct(alice, bob)
    with _server(REDIS_URL=own_redis.url) as near, _rest(near, alice) as rest:
        a, b, elsewhere = join(alice, at=near), join(bob, at=near), join(bob, at=daphne)
        with _standing_still(own_redis):
            sent = a.do("send", conversation=room, client_id="1", content="over the socket")
            assert b.hear("message.created")["version"] == sent["version"]
            assert _ask_everything(rest, room) == [201, 200, 200, 200]
            heard = [elsewhere.hear("message.created")["data"]["content"] for _ in range(2)]
            assert heard == ["over the socket", "over REST"]
            newcomer = join(alice, at=near)
            assert newcomer.hello["heads"][str(room)] == sent["version"] + 1
            assert httpx.get(f"{near.base_url}/health", timeout=PATIENCE_S).json()["status"] == "degraded"
        assert near.tracebacks() == ""


def test_a_postgresql_that_stands_still(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    proxy = Proxy()
    with (
        _server(DATABASE_URL=proxy.url(str(connection.settings_dict["NAME"]))) as near,
        _rest(near, alice) as rest,
        ThreadPoolExecutor() as others,
    ):
        a = join(alice, at=near)
        proxy.hush()
        waits = others.submit(rest.get, "/conversations", timeout=4 * PATIENCE_S)
        a.say(op="send", ref="w", conversation=str(room), client_id="1", content="when it moves again")
        assert httpx.get(f"{near.base_url}/health/live", timeout=PATIENCE_S).status_code == 200
        ready = httpx.get(f"{near.base_url}/health/ready", timeout=PATIENCE_S)
        assert (ready.status_code, ready.headers["Retry-After"]) == (503, "2")
        assert a.ask("ping")["event"] == "pong"
        proxy.mend()
        assert waits.result().status_code == 200
        assert a.hear("ack", ref="w")["result"]["content"] == "when it moves again"
    proxy.close()


@contextmanager
def _stopped() -> Iterator[None]:
    """The run's own PostgreSQL, each of its processes: the kernel still takes what is sent to it."""
    process = services.STARTED[0].process
    assert process is not None
    family = [psutil.Process(process.pid)]
    family[0].suspend()
    family += family[0].children(recursive=True)
    try:
        for each in family[1:]:
            each.suspend()
        yield
    finally:
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.resume()


@pytest.mark.skipif(not services.STARTED, reason="needs the run's own PostgreSQL, to stop it")
def test_who_gets_no_answer_is_told_and_may_ask_again(alice: User, bob: User, join: Join) -> None:
    """What PostgreSQL had taken and not answered it writes when it moves again: sent again, it is there once."""
    room = factories.direct(alice, bob)
    impatient = {"DB_QUERY_TIMEOUT": "500", "DB_CONNECTION_TIMEOUT": "1000", "DB_POOL_EVICT": "0"}
    said = {"client_id": "1", "content": "nobody knows whether it was written"}
    with _server(**impatient) as near, _rest(near, alice) as rest:
        a, b = join(alice, at=near), join(bob, at=near)
        with _stopped():
            a.say(op="send", ref="w", conversation=str(room), **said)
            refused = rest.get("/conversations")
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
            assert refused.json()["code"] == "database_unavailable"
            assert a.hear("error", ref="w")["error"]["code"] == "unavailable"
            assert rest.get("/unread").status_code == 503
        written = b.hear("message.created")["data"]
        again = a.do("send", conversation=room, **said)
        assert (again["seq"], again["duplicate"]) == (written["seq"], True)
        over_rest = rest.post(f"/conversations/{room}/messages", json=said)
        assert over_rest.json()["seq"] == written["seq"]
        assert b.heard_by_now() == []
        assert Message.objects.count() == 1
        assert near.tracebacks() == ""
