"""Who is here, as those hear it who share a conversation with them: across processes, and where one is killed.

The servers of the tests beat once a second, and count people as away after three.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from chatbackend.embedded.redis import Redis
from conversations.models import LastSeen, User
from conversations.presence import MAX_ASKED
from conversations.services import business, participants
from tests import factories
from tests.api import Api, read
from tests.realtime.client import Client
from tests.realtime.conftest import Join
from tests.server import Server


def watch(client: Client, *users: User) -> dict[str, str]:
    """Watches these people; their statuses now."""
    told = client.do("presence", users=[user.pk for user in users])["users"]
    return {one["id"]: one["status"] for one in told}


def sees(client: Client, user: User, status: str) -> None:
    """Watches this person; a process that just heard of them tells the others within a second."""
    if watch(client, user) != {str(user.pk): status}:
        hears(client, user, status)


def hears(client: Client, user: User, status: str) -> dict[str, Any]:
    """Waits until the client hears of this status."""
    return client.hear("presence", user=user.pk, status=status)


def test_coming_and_going_at_several_devices_and_processes(
    alice: User, bob: User, join: Join, other: Server
) -> None:
    factories.direct(alice, bob)
    near, far = join(alice), join(alice, at=other)
    for client in (near, far):
        assert watch(client, bob) == {str(bob.pk): "offline"}
    phone, laptop = join(bob), join(bob, at=other)
    for client in (near, far):
        hears(client, bob, "online")
    assert watch(join(alice), bob, alice) == {str(bob.pk): "online", str(alice.pk): "online"}
    [told] = read(Api(alice).get("/users/presence", ids=bob.pk))
    assert (told["id"], told["status"]) == (str(bob.pk), "online")
    phone.socket.close()
    laptop.do("presence", users=[])
    laptop.socket.close()
    for client in (near, far):
        frames = client.until(lambda frame: frame.get("status") == "offline")
        assert [frame["user"] for frame in frames if frame["event"] == "presence"][-1] == str(bob.pk)
    seen_at = LastSeen.objects.get(user=bob).seen_at
    assert frames[-1]["last_seen_at"] == f"{seen_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    [told] = read(Api(alice).get("/users/presence", ids=bob.pk))
    assert (told["status"], told["last_seen_at"]) == ("offline", frames[-1]["last_seen_at"])


def test_who_does_nothing_at_any_device_is_away(alice: User, bob: User, join: Join, other: Server) -> None:
    factories.direct(alice, bob)
    phone, laptop, far = join(bob), join(bob), join(alice, at=other)
    watch(far, bob)
    while not any(frame.get("status") == "away" for frame in far.heard_by_now()):
        phone.heard_by_now()  # pings
    phone.do("presence", users=[])
    hears(far, bob, "online")
    phone.socket.close()
    assert laptop.ask("ping")["event"] == "pong"
    hears(far, bob, "away")


def test_strangers_are_like_the_unknown(alice: User, bob: User, join: Join) -> None:
    stranger = factories.person()
    join(stranger)
    a, _b = join(alice), join(bob)
    assert watch(a, stranger, bob) == {}
    assert a.do("presence", users=[uuid4()]) == {"users": []}
    many = [str(uuid4()) for _ in range(MAX_ASKED + 1)]
    assert a.ask("presence", users=many)["error"]["code"] == "too_long"
    factories.group(alice, bob)
    assert watch(a, stranger, bob) == {str(bob.pk): "online"}


def test_who_no_longer_shares_anything_falls_silent(
    alice: User, bob: User, join: Join, other: Server
) -> None:
    """Clara is removed, the agent dismissed. Alice still shares the group: she tells when there was something."""
    clara, staff = factories.person("clara"), factories.person("staff", is_staff=True)
    agent, room = factories.agent(), factories.group(alice, bob, clara)
    factories.case(bob, content="help")
    b = join(bob)
    near, removed, dismissed = join(alice), join(clara), join(agent)
    far, far_removed, far_dismissed = (join(user, at=other) for user in (alice, clara, agent))
    for client in (near, far, removed, far_removed, dismissed, far_dismissed):
        sees(client, bob, "online")
    participants.remove_participant(actor_id=alice.pk, conversation_id=room, user_id=clara.pk)
    business.remove_agent(actor=staff, business_id="acme", user_id=agent.pk)
    for client in (removed, far_removed):
        client.hear("participant.left")
    b.socket.close()
    for client in (near, far):
        hears(client, bob, "offline")
    for client in (removed, far_removed, dismissed, far_dismissed):
        assert not [frame for frame in client.heard_by_now() if frame["event"] == "presence"]
        assert watch(client, bob) == {}


def test_a_killed_server_leaves_nobody_online(alice: User, bob: User, join: Join, other: Server) -> None:
    factories.direct(alice, bob)
    join(bob, at=other)
    a = join(alice)
    sees(a, bob, "online")
    other.kill()
    hears(a, bob, "offline")
    [told] = read(Api(alice).get("/users/presence", ids=bob.pk))
    assert told["status"] == "offline"


@pytest.fixture
def alone(transactional_db: None, static_files: None, own_redis: Redis) -> Iterator[Server]:
    """A server on a Redis of its own."""
    settings = {"REDIS_URL": own_redis.url, "PRESENCE_AWAY_AFTER": "600000"}
    server = Server(database=str(connection.settings_dict["NAME"]), settings=settings)
    server.start()
    yield server
    server.stop()


def test_without_redis_it_is_guessed_and_comes_back(
    alice: User, bob: User, join: Join, own_redis: Redis, alone: Server
) -> None:
    clara = factories.person("clara")
    factories.group(alice, bob, clara)
    LastSeen.objects.create(user=clara, seen_at="2020-01-01T00:00:00Z")
    a = join(alice, at=alone)
    assert watch(a, bob, clara) == {str(bob.pk): "offline", str(clara.pk): "offline"}
    own_redis.stop()
    b = join(bob, at=alone)
    hears(a, bob, "online")
    LastSeen.objects.filter(user=clara).update(seen_at="2100-01-01T00:00:00Z")
    hears(a, clara, "online")
    own_redis.start()
    hears(a, clara, "offline")
    b.do("presence", users=[])
    assert watch(a, bob) == {str(bob.pk): "online"}
