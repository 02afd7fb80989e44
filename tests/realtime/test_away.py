"""Redis and PostgreSQL come and go; what can go on goes on."""

from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

import pytest
from django.db import connection

from chatbackend.embedded.redis import Redis
from conversations.models import User
from messaging.models import Message
from tests import factories
from tests.realtime.client import Client, token_of
from tests.realtime.conftest import Join
from tests.realtime.proxy import Proxy
from tests.server import Server

LIVE_AGAIN_S = 5.0  # after Redis has come back
TRY_S = 0.5


@pytest.fixture
def pair(transactional_db: None, static_files: None, own_redis: Redis) -> Iterator[tuple[Server, Server]]:
    """Two servers on a Redis of their own."""
    name = str(connection.settings_dict["NAME"])
    servers = [Server(database=name, settings={"REDIS_URL": own_redis.url}) for _ in range(2)]
    for server in servers:
        server.start()
    yield servers[0], servers[1]
    for server in servers:
        server.stop()


def _typing_is_heard(client: Client, other: Client, room: UUID) -> bool:
    """Which only Redis can carry, and which is told once in some seconds in each conversation."""
    client.do("typing", conversation=room, on=True)
    with suppress(TimeoutError):
        return bool(other.until(lambda frame: frame["event"] == "typing", timeout=TRY_S))
    return False


def test_without_redis_servers_go_on_and_hear_each_other_slower(
    alice: User, bob: User, join: Join, own_redis: Redis, pair: tuple[Server, Server]
) -> None:
    room = factories.direct(alice, bob)
    places = [factories.group(alice, bob) for _ in range(int(LIVE_AGAIN_S / TRY_S))]
    near, far = pair
    a, b, away = join(alice, at=near), join(bob, at=near), join(bob, at=far)
    a.do("send", conversation=room, client_id="1", content="one")
    for client in (b, away):
        client.hear("message.created")
    own_redis.stop()
    for number in range(2, 12):
        a.do("send", conversation=room, client_id=str(number), content="x")
        assert b.hear("message.created")["data"]["seq"] == number
    late = join(alice, at=near)
    late.do("send", conversation=room, client_id="12", content="x")
    assert b.hear("message.created")["data"]["seq"] == 12
    versions = [away.hear("message.created")["version"] for _ in range(11)]
    assert versions == list(range(3, 14))
    own_redis.start()
    assert any(_typing_is_heard(a, away, place) for place in places)
    for server in pair:
        told = [
            line for line in server.log.read_text().splitlines() if " WARNING " in line or " ERROR " in line
        ]
        assert len(told) <= 4, told


def test_a_server_that_starts_without_redis(alice: User, bob: User, join: Join, own_redis: Redis) -> None:
    own_redis.stop()
    room = factories.direct(alice, bob)
    name = str(connection.settings_dict["NAME"])
    server = Server(database=name, settings={"REDIS_URL": own_redis.url})
    server.start()
    try:
        a, b = join(alice, at=server), join(bob, at=server)
        a.do("send", conversation=room, client_id="1", content="anybody?")
        assert b.hear("message.created")["data"]["content"] == "anybody?"
        assert server.log.read_text().count("channel layer is away") <= 2
    finally:
        server.stop()


def test_a_server_that_ends_says_so(alice: User, join: Join, daphne: Server) -> None:
    a = join(alice)
    daphne.stop()
    assert a.code() == 1012


def test_acked_messages_outlive_a_killed_server(alice: User, bob: User, join: Join, daphne: Server) -> None:
    room = factories.direct(alice, bob)
    a = join(alice)
    for number in range(10):
        a.do("send", conversation=room, client_id=str(number), content=str(number))
    daphne.kill()
    assert Message.objects.filter(conversation=room).count() == 10
    daphne.ensure()
    again = join(alice)
    assert again.do("send", conversation=room, client_id="9", content="9")["duplicate"] is True


def test_without_postgresql_ops_are_refused_and_the_socket_stays(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    proxy = Proxy()
    settings = {"DATABASE_URL": proxy.url(str(connection.settings_dict["NAME"]))}
    server = Server(database="", settings=settings)
    server.start()
    try:
        a, b = join(alice, at=server), join(bob, at=server)
        a.do("send", conversation=room, client_id="1", content="one")
        proxy.cut()
        answer = a.ask("send", conversation=room, client_id="2", content="two")
        assert (answer["event"], answer["error"]["code"]) == ("error", "unavailable")
        with Client(server.ws_url, token=token_of(alice)) as newcomer:
            assert newcomer.code() == 1012
        assert a.ask("ping")["event"] == "pong"
        proxy.mend()
        while a.ask("send", conversation=room, client_id="2", content="two")["event"] == "error":
            assert Message.objects.count() == 1
        b.hear("message.created", version=3)
        assert server.tracebacks() == ""
    finally:
        server.stop()
        proxy.close()
