"""Two web processes, random writes through either, and a Redis that forgets, goes and comes back: what the other one
answers after a commit is never older than it."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from uuid import UUID

import httpx
import pytest
from django.db import connection
from redis import Redis as Client
from rest_framework_simplejwt.tokens import AccessToken

from chatbackend.embedded.redis import Redis
from conversations.models import User
from tests import factories
from tests.server import Server

STEPS = 75
EVERY = 25  # steps after which Redis is stopped, or started again


@pytest.fixture
def two(transactional_db: None, static_files: None, own_redis: Redis) -> Iterator[list[Server]]:
    """Two web processes on the test's database and a Redis that the test may stop."""
    name = str(connection.settings_dict["NAME"])
    servers = [Server(name, settings={"REDIS_URL": own_redis.url}) for _ in range(2)]
    with ExitStack() as started:
        for server in servers:
            started.callback(server.log.unlink)
            started.callback(server.stop)
            server.start()
        yield servers


class Caller:
    """Somebody at one of the processes."""

    def __init__(self, server: Server, user: User) -> None:
        bearer = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
        self.http = httpx.Client(base_url=f"{server.base_url}/api/v1", headers=bearer, timeout=20)

    def stats(self, room: UUID) -> httpx.Response:
        return self.http.get(f"/conversations/{room}/stats")

    def say(self, room: UUID) -> int:
        reply = self.http.post(f"/conversations/{room}/messages", json={"content": "hello"})
        seq: int = reply.raise_for_status().json()["seq"]
        return seq

    def take_back(self, room: UUID, seq: int) -> None:
        self.http.delete(f"/conversations/{room}/messages/{seq}").raise_for_status()


@pytest.mark.slow
def test_no_reply_after_a_commit_is_stale(two: list[Server], own_redis: Redis) -> None:
    chance = random.Random(7)
    ann, bob, carol = factories.persons(3)
    room = factories.group(ann, bob, carol)
    anns = [Caller(server, ann) for server in two]
    said: list[int] = []
    with _readers(two, bob, room):
        for step in range(1, STEPS + 1):
            here, there = chance.sample(anns, 2)
            if said and chance.random() < 0.3:
                here.take_back(room, said.pop(chance.randrange(len(said))))
            else:
                said.append(here.say(room))
            told = there.stats(room).raise_for_status().json()
            assert told["messages"] == len(said), f"step {step}"
            _disturb(own_redis, step)
        _nothing_for_who_was_removed(anns, carol, Caller(two[1], carol), room)


def _nothing_for_who_was_removed(anns: list[Caller], carol: User, carol_there: Caller, room: UUID) -> None:
    """What was kept for those who may read it is not told to others."""
    assert carol_there.stats(room).status_code == 200
    anns[0].http.delete(f"/conversations/{room}/participants/{carol.pk}").raise_for_status()
    assert carol_there.stats(room).status_code == 404


@contextmanager
def _readers(servers: list[Server], user: User, room: UUID) -> Iterator[None]:
    """Somebody at each process who asks all the time, so that replies are being made and kept while others write."""
    over = threading.Event()
    with ThreadPoolExecutor(len(servers)) as threads:
        asking = [threads.submit(_ask, Caller(server, user), room, over) for server in servers]
        try:
            yield
        finally:
            over.set()
    assert [each.result() for each in asking] == [{200}] * len(servers)


def _ask(caller: Caller, room: UUID, over: threading.Event) -> set[int]:
    statuses = set()
    while not over.is_set():
        statuses.add(caller.stats(room).status_code)
    return statuses


def _disturb(redis: Redis, step: int) -> None:
    if step % EVERY == 0:
        redis.stop() if redis.process else redis.start()
    elif step % 7 == 0 and redis.process:
        Client.from_url(redis.url).flushall()
