"""Hot reads on a real streaming replica: never older than the last commit, never an error."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.core.cache import cache
from django.db import connection, connections

from conversations import replica
from conversations.models import User
from conversations.services import participants
from dbperf.checks import replication
from dbperf.connections import Database
from messaging.services import messages, reactions
from tests import factories, scratch, services
from tests.api import Api, problem, read
from tests.dbperf.faults import findings
from tests.realtime.client import token_of
from tests.realtime.proxy import Proxy
from tests.replication import Replica, replica_of
from tests.server import Server

pytestmark = [
    pytest.mark.skipif(not services.STARTED, reason="needs the run's own PostgreSQL"),
    pytest.mark.django_db(transaction=True, databases=[replica.PRIMARY, replica.REPLICA]),
]


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Replica]:
    """Known to Django, too."""
    with replica_of(services.STARTED[0]) as made:
        own = connection.settings_dict
        at = {"HOST": "127.0.0.1", "PORT": str(made.port), "TEST": {**own["TEST"], "MIRROR": replica.PRIMARY}}
        with scratch.registered(replica.REPLICA, {**own, **at}):
            yield made


@pytest.fixture
def standby(server: Replica, monkeypatch: pytest.MonkeyPatch) -> Replica:
    """The replica, of which nothing is known yet, and after which one looks each time."""
    cache.clear()
    monkeypatch.setattr(replica, "standing", replica.Standing())
    monkeypatch.setattr(replica, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(replica, "QUIET_S", 0.1)
    return server


def _caught_up(server: Replica) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        (written,) = cursor.fetchone()
    with server.session as session:
        there = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        assert _eventually(lambda: session.execute(there, [written]).fetchone() == (True,))


def _in_use(server: Replica, user: User, room: UUID) -> None:
    """Caught up, and all that this person reads comes from there. Reading may write a little log, too: hint bits."""
    _caught_up(server)
    assert _eventually(lambda: len(_asked(lambda: _answers(user, room))) >= len(_addresses(room)))


def _eventually(condition: Callable[[], bool], within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@contextmanager
def _paused(server: Replica) -> Iterator[None]:
    """What the primary writes does not arrive meanwhile."""
    with server.session as session:
        session.execute("SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        assert _eventually(lambda: session.execute(state).fetchone() == ("paused",))
        try:
            yield
        finally:
            session.execute("SELECT pg_wal_replay_resume()")


def _addresses(room: UUID) -> list[str]:
    return ["/conversations", f"/conversations/{room}/messages", "/unread", "/search/messages?q=hello"]


def _answers(user: User, room: UUID) -> list[Any]:
    return [(reply.status_code, reply.content) for reply in _replies(user, room)]


def _replies(user: User, room: UUID) -> list[Any]:
    api = Api(user, **{"X-Request-ID": "same"})
    return [
        api.http.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {api.token}"})
        for path in _addresses(room)
    ]


def _from_the_primary(user: User, room: UUID) -> list[Any]:
    known = connections.databases.pop(replica.REPLICA)
    try:
        return _answers(user, room)
    finally:
        connections.databases[replica.REPLICA] = known


def _asked(ask: Callable[[], object]) -> list[str]:
    """The statements that the replica was given, without those about how far it is."""
    seen: list[str] = []

    def note(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        seen.append(str(sql))
        return execute(sql, params, many, context)

    with connections[replica.REPLICA].execute_wrapper(note):
        ask()
    return [sql for sql in seen if "pg_last_wal" not in sql and "_stamp_" not in sql]


@pytest.mark.slow
def test_a_replica_that_has_everything_answers(standby: Replica) -> None:
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    factories.say(ann, room)
    _in_use(standby, bob, room)
    expected = _from_the_primary(bob, room)
    assert _answers(bob, room) == expected
    assert [status for status, _ in expected] == [200] * 4
    names = ("inbox_", "message_history_", "unread_totals_", "search_rare_")
    asked = _asked(lambda: _answers(bob, room))
    assert [name for name in names if any(name in sql for sql in asked)] == list(names)
    counted = _asked(lambda: read(Api(bob).get(f"/conversations/{room}/stats")))
    assert len(counted) == 1


@pytest.mark.slow
def test_what_it_has_not_heard_of_is_read_from_the_primary_until_it_has(standby: Replica) -> None:
    ann, bob, carol = factories.persons(3)
    room = factories.group(ann, bob, carol)
    factories.say(ann, room)
    _in_use(standby, bob, room)
    with _paused(standby):
        factories.say(bob, room, "hello again")
        assert _answers(bob, room) == _from_the_primary(bob, room)
        assert _asked(lambda: _answers(bob, room)) == []
        participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=carol.pk)
        problem(Api(carol).get(f"/conversations/{room}/messages"), 404)
        assert read(Api(carol).get("/search/messages", q="hello"))["results"] == []
        problem(Api(carol).get(f"/conversations/{room}/stats"), 404)
    _in_use(standby, bob, room)
    problem(Api(carol).get(f"/conversations/{room}/messages"), 404)


@pytest.mark.slow
def test_what_no_stamp_covers_is_seconds_old_at_most(
    standby: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of another: another row than any that the stamp of the reader looks at."""
    monkeypatch.setattr(replica, "MOST_LAG_S", 0.5)
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    factories.say(ann, room)
    _in_use(standby, bob, room)
    with _paused(standby):
        User.objects.filter(pk=ann.pk).update(display_name="Another name")
        assert _eventually(lambda: _asked(lambda: _answers(bob, room)) == [])
        assert "Another name" in str(_answers(bob, room)[1])
    _in_use(standby, bob, room)


@pytest.mark.slow
def test_whoever_watches_the_database_finds_one_that_lags(standby: Replica) -> None:
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    _caught_up(standby)
    primary = Database(replica.PRIMARY)
    assert findings(primary, "replication") == []
    with _paused(standby):
        factories.say(ann, room)
        assert findings(primary, "replication") == []  # for a moment
        assert _eventually(lambda: findings(primary, "replication") != [])
        (found,) = findings(primary, "replication")
    assert (found.level, found.subject) == ("warning", "replica walreceiver")
    assert replication.WARNING_S <= found.evidence["lag_s"] < replication.CRITICAL_S
    assert _eventually(lambda: findings(primary, "replication") == [])


@pytest.mark.slow
def test_a_replica_that_dies_and_comes_back(standby: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    factories.say(ann, room)
    _in_use(standby, bob, room)
    monkeypatch.setattr(replica, "LOOK_EVERY_S", 60.0)
    _in_use(standby, bob, room)  # so that it dies between two looks
    monkeypatch.setattr(replica, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(replica, "QUIET_S", 0.0)  # so that one looks while it is dead
    standby.stop()
    try:
        assert [status for status, _ in _answers(bob, room)] == [200] * 4
        factories.say(bob, room)
        assert _answers(bob, room) == _from_the_primary(bob, room)
    finally:
        connections[replica.REPLICA].close()
        standby.start()
    _in_use(standby, bob, room)
    assert _answers(bob, room) == _from_the_primary(bob, room)


@pytest.mark.slow
def test_random_writes_are_read_as_the_primary_has_them(standby: Replica) -> None:
    chance = random.Random(11)
    ann, bob = factories.persons(2)
    room, other = factories.group(ann, bob), factories.direct(ann, bob)
    asked = 0
    for _ in range(25):
        with _paused(standby) if chance.random() < 0.3 else _nothing():
            _change(chance, ann, bob, chance.choice([room, other]))
            for viewer in (ann, bob):
                told: list[Any] = []
                asked += len(_asked(lambda: told.extend(_answers(viewer, room))))  # noqa: B023 - called at once
                assert told == _from_the_primary(viewer, room)
        if chance.random() < 0.5:
            _caught_up(standby)
    assert asked > 0


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _change(chance: random.Random, ann: User, bob: User, room: UUID) -> None:
    """Something that a person does to a conversation."""
    seq = factories.body(factories.say(ann, room))["seq"] if chance.random() < 0.4 else None
    doing = chance.choice(["read", "pin", "react", "edit", "delete", "answer"])
    if doing == "read":
        newest = factories.view(bob, room)
        assert newest
        participants.mark_read(user_id=bob.pk, conversation_id=room, seq=newest["last_seq"])
    elif doing == "pin":
        participants.update_membership(user_id=bob.pk, conversation_id=room, pinned=chance.random() < 0.5)
    elif doing == "answer":
        factories.say(bob, room, "hello")
    elif seq is not None and doing == "react":
        reactions.react(actor_id=bob.pk, conversation_id=room, seq=seq, emoji="👍", on=True)
    elif seq is not None and doing == "edit":
        messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=seq, content="hello, edited")
    elif seq is not None:
        messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=seq)


@pytest.mark.slow
def test_a_replica_that_stands_still(server: Replica) -> None:
    """It takes what it is asked and says nothing. The primary's own patience is half a minute."""
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    factories.say(ann, room)
    _caught_up(server)
    proxy, name = Proxy(("127.0.0.1", server.port)), str(connection.settings_dict["NAME"])
    near = Server(name, settings={"DATABASE_REPLICA_URL": proxy.url(name), "DB_CACHE_DURATION": "0"})
    near.start()
    try:
        headers = {"Authorization": f"Bearer {token_of(bob)}"}
        with httpx.Client(base_url=f"{near.base_url}/api/v1", headers=headers, timeout=10) as rest:
            assert _eventually(lambda: rest.get("/conversations").is_success and _reads_there(server))
            proxy.hush()
            assert [rest.get("/conversations").status_code for _ in range(3)] == [200] * 3
        assert "The replica does not answer, the primary does instead" in near.log.read_text()
    finally:
        near.stop()
        proxy.close()


def _reads_there(server: Replica) -> bool:
    with server.session as session:
        asked = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%%inbox_%%' AND pid <> pg_backend_pid()"
        return session.execute(asked).fetchone() == (True,)
