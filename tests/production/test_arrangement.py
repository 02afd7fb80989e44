"""The production arrangement at work: what is said at one node is heard at the other, also while parts are gone."""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from chatbackend.connections import database
from conversations.models import User
from tests import scratch
from tests.production.arrangement import HOST, MISSING, NODES, Arrangement
from tests.realtime.client import Client

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"needs {', '.join(MISSING)} (Debian: apt-get install nginx-light openssl pgbouncer)",
    ),
]
PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def whole() -> Iterator[Arrangement]:
    """All of it, up."""
    state = Path(tempfile.mkdtemp(prefix="production-", dir="/tmp"))
    there = Arrangement(state)
    try:
        there.start()
        yield there
    finally:
        there.stop()
        shutil.rmtree(state, ignore_errors=True)


class Pair:
    """Two people in one room, who come through the front door."""

    def __init__(self, whole: Arrangement) -> None:
        self.whole = whole
        self.http = httpx.Client(base_url=f"{whole.url}/api/v1", verify=whole.trust, timeout=20)
        ann, ben = (self._person(name) for name in ("ann", "ben"))
        self.ann, self.ben = (self._token(each) for each in (ann, ben))
        self.room = self.call("POST", "conversations", type="direct", participant_ids=[str(ben.pk)]).json()[
            "id"
        ]
        self._numbers = count(1)

    def _person(self, name: str) -> User:
        own = database(self.whole.secret("database_url"), options=settings.DATABASE_OPTIONS)
        with scratch.registered("arrangement", {**connection.settings_dict, **own}):
            return User.objects.using("arrangement").create(username=name, password="!")

    def _token(self, user: User) -> str:
        claims = {"token_type": "access", "user_id": str(user.pk), "jti": "1", "exp": time.time() + 600}
        return jwt.encode(claims, self.whole.secret("jwt_signing_key"), algorithm="HS256")

    def call(self, method: str, path: str, **body: Any) -> httpx.Response:
        """By Ann, over REST."""
        headers = {"Authorization": f"Bearer {self.ann}"}
        return self.http.request(method, path, json=body or None, headers=headers)

    def say(self, content: str) -> dict[str, Any]:
        """As a client does: again until it is acknowledged, and it counts once."""
        body = {"client_id": str(next(self._numbers)), "content": content}
        until = time.monotonic() + PATIENCE_S
        while not (reply := self.call("POST", f"conversations/{self.room}/messages", **body)).is_success:
            assert reply.status_code == 503, reply.text
            assert time.monotonic() < until, reply.text
        said: dict[str, Any] = reply.json()
        return said

    def listen(self, at: str = "nginx") -> Client:
        """A socket of Ben's, past `hello`: by the front door, or at one process."""
        options: dict[str, Any] = {"ssl": self.whole.trust} if at == "nginx" else {}
        scheme = "wss" if options else "ws"
        client = Client(f"{scheme}://{HOST}:{self.whole.ports[at]}/ws/chat", token=self.ben, **options)
        client.hello = client.hear("hello")
        return client


@pytest.fixture(scope="module")
def pair(whole: Arrangement, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Pair]:
    """Ann and Ben."""
    with django_db_blocker.unblock():
        there = Pair(whole)
    with closing(there.http):
        yield there


def _hears(socket: Client, said: dict[str, Any]) -> bool:
    return bool(socket.hear("message.created")["data"]["seq"] == said["seq"])


def test_what_is_said_at_one_node_is_heard_at_every_socket(pair: Pair) -> None:
    with pair.listen() as door, pair.listen("socket-a") as a, pair.listen("socket-b") as b:
        for content in ("one", "two"):
            said = pair.say(content)
            assert all(_hears(socket, said) for socket in (door, a, b))


def _readers_at_the_replica(whole: Arrangement) -> int:
    names = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chatbackend-web'"
    with psycopg.connect(whole.secret("database_replica_url"), autocommit=True) as session:
        assert session.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        return int(session.execute(names).fetchall()[0][0])


def test_the_replica_is_read_from(whole: Arrangement, pair: Pair) -> None:
    until = time.monotonic() + PATIENCE_S
    while not _readers_at_the_replica(whole) and time.monotonic() < until:
        assert pair.call("GET", f"conversations/{pair.room}/messages").is_success
    assert _readers_at_the_replica(whole)


def test_the_primary_keeps_what_the_replica_has_not_fetched(whole: Arrangement) -> None:
    """However long it is away, up to `max_slot_wal_keep_size`."""
    with whole.primary._admin() as session:
        kept = session.execute("SELECT slot_name, active FROM pg_replication_slots").fetchall()
    assert kept == [("replica", True)]


def test_the_door_says_who_asks_and_keeps_what_is_private(whole: Arrangement, pair: Pair) -> None:
    health = httpx.get(f"{whole.url}/health", verify=whole.trust)
    assert health.json()["status"] == "ok"
    assert "max-age=31536000" in health.headers["Strict-Transport-Security"]
    assert httpx.get(f"{whole.url}/metrics", verify=whole.trust).status_code == 404
    large = pair.http.post("auth/token", content=b'{"username": "' + b"a" * 1_100_000)
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    elsewhere = httpx.get(
        f"{whole.url}/health", verify=whole.trust, headers={"Host": "elsewhere.example.org"}
    )
    assert elsewhere.status_code == 400


@pytest.mark.parametrize("node", NODES)
def test_prometheus_asks_each_process_by_its_name(node: str, whole: Arrangement) -> None:
    """Over the network inside, without TLS, with the token."""
    address, named = f"http://127.0.0.1:{whole.ports[node]}/metrics", {"Host": f"{node}:8000"}
    assert httpx.get(address, headers=named).status_code == 401
    trusted = httpx.get(
        address, headers={**named, "Authorization": f"Bearer {whole.secret('metrics_token')}"}
    )
    assert 'chat_dependency_up{dependency="postgresql"} 1.0' in trusted.text


def test_what_two_workers_count_is_added_up(whole: Arrangement) -> None:
    address = f"http://127.0.0.1:{whole.ports['web-b']}"
    headers = {"Host": "web-b:8000", "Authorization": f"Bearer {whole.secret('metrics_token')}"}
    counted = re.compile(r'chat_http_requests_total{method="GET",route="api/v1/users/me",status="401"} (\d+)')
    for _ in range(16):
        refused = httpx.get(f"{address}/api/v1/users/me", headers={**headers, "X-Forwarded-Proto": "https"})
        assert refused.status_code == 401
    told = {counted.findall(httpx.get(f"{address}/metrics", headers=headers).text)[0] for _ in range(8)}
    assert told == {"16"}


def test_the_pooler_keeps_the_settings_of_the_session(whole: Arrangement) -> None:
    with psycopg.connect(
        whole.secret("database_url"), autocommit=True, options="-c statement_timeout=1"
    ) as session:
        assert session.execute("SHOW statement_timeout").fetchone() == ("30s",)
        assert session.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("30s",)
        assert session.execute("SHOW timezone").fetchone() == ("UTC",)


LOSSES = ("web-a", "socket-a", "replica", "redis")


@pytest.mark.parametrize("loss", LOSSES)
def test_it_goes_on_without(loss: str, whole: Arrangement, pair: Pair) -> None:
    """One after the other, and none comes back."""
    with pair.listen("socket-b") as left:
        whole.kill(loss)
        said = [pair.say(f"without {loss}") for _ in range(4)]
        assert all(_hears(left, each) for each in said)
        with pair.listen() as newcomer:
            assert newcomer.hello["heads"][pair.room] == said[-1]["version"]
    shown = pair.call("GET", f"conversations/{pair.room}/messages").json()["results"]
    assert [each["seq"] for each in shown][-4:] == [each["seq"] for each in said]
    assert [each["seq"] for each in shown] == list(range(1, len(shown) + 1))


def _told(ask: Callable[[], httpx.Response], status: int, code: str) -> None:
    """The refusal, which must come in time and in the one shape."""
    began = time.monotonic()
    reply = ask()
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Retry-After"] == "2"
    assert time.monotonic() - began < PATIENCE_S


def test_without_postgresql_or_any_process_it_says_when_to_come_back(whole: Arrangement, pair: Pair) -> None:
    whole.primary.stop()
    _told(lambda: pair.call("GET", "conversations"), 503, "database_unavailable")
    _told(lambda: pair.http.get(f"{whole.url}/health/ready"), 503, "database_unavailable")
    whole.primary.start()
    assert pair.say("there again")["content"] == "there again"
    whole.kill("web-b")
    _told(lambda: pair.call("GET", "conversations"), 503, "unavailable")
