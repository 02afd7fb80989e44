"""How many statements a request costs, authentication included, and that more data does not make it more."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import User
from tests import factories
from tests.api import Api, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


def _statements(call: Callable[[], object]) -> list[str]:
    """What a call sends to PostgreSQL. Savepoints stand for the transaction that a test has around everything."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call()
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


def _rooms(ann: User, number: int) -> list[UUID]:
    """Conversations of every kind, each with unread messages and mentions."""
    bob = factories.person("bob")
    made = [factories.direct(ann, factories.person()) for _ in range(number)]
    made += [factories.group(ann, bob, *factories.persons(2)) for _ in range(number)]
    for room in made[number:]:
        factories.say(bob, room, mentions=[ann.pk])
        factories.say(bob, room)
    return [*made, *(factories.case(ann, content="help") for _ in range(number))]


def test_history(ann: User) -> None:
    room = factories.group(ann, *(others := factories.persons(3)))
    factories.say(ann, room)
    api, path = Api(ann), f"/conversations/{room}/messages"
    assert len(_statements(lambda: read(api.get(path)))) <= 2
    for other in others:
        for _ in range(10):
            factories.say(other, room, mentions=[ann.pk], reply_to=1)
    for query in (
        {},
        {"before": 20},
        {"after": 3},
        {"around": 9},
        {"type": "text"},
        {"type": "text", "around": 9},
    ):
        assert len(_statements(lambda query=query: read(api.get(path, **query)))) <= 2  # type: ignore[misc]


def test_inbox(ann: User) -> None:
    api = Api(ann)
    assert len(_statements(lambda: read(api.get("/conversations")))) <= 2
    _rooms(ann, 8)
    for query in (
        {},
        {"unread": "true"},
        {"search": "bob"},
        {"type": "business", "status": "open"},
        {"limit": 2},
    ):
        assert len(_statements(lambda query=query: read(api.get("/conversations", **query)))) <= 2  # type: ignore[misc]


def test_unread(ann: User) -> None:
    assert len(_statements(lambda: read(Api(ann).get("/unread")))) == 1
    _rooms(ann, 8)
    assert len(_statements(lambda: read(Api(ann).get("/unread")))) == 1


@pytest.mark.parametrize("others", [1, 30])
def test_send(ann: User, others: int) -> None:
    people = factories.persons(others)
    room = factories.group(ann, *people)
    facts = {"content": "hi", "mentions": [str(one.pk) for one in people], "client_id": "x"}
    path = f"/conversations/{room}/messages"
    assert len(_statements(lambda: read(Api(ann).post(path, facts), 201))) <= 4
    assert len(_statements(lambda: read(Api(ann).post(path, facts), 200))) <= 4
    assert len(_statements(lambda: read(Api(ann).post(path, {"content": "hi", "reply_to": 1}), 201))) <= 4


@pytest.mark.django_db(transaction=True)
def test_a_plain_send_is_one_statement_and_its_own_transaction(ann: User) -> None:
    room = factories.direct(ann, factories.person())
    api = Api(ann)
    with CaptureQueriesContext(connection) as captured:
        read(api.post(f"/conversations/{room}/messages", {"content": "hi"}), 201)
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/users/me", 1),
        ("/users", 2),
        ("/conversations/{room}", 2),
        ("/conversations/{room}/participants", 5),
        ("/conversations/{room}/changes", 3),
        ("/conversations/{room}/messages/1", 2),
        ("/business/acme/agents", 3),
        ("/business/acme/conversations", 3),
    ],
)
def test_other_reads_do_not_grow(path: str, most: int) -> None:
    agent, bob = factories.agent(), factories.person()
    room = factories.group(agent, bob)
    factories.say(bob, room)
    address, api = path.format(room=room), Api(agent)
    few = len(_statements(lambda: read(api.get(address))))
    factories.say(agent, room)
    for _ in range(5):
        factories.agent()
        factories.case(factories.person(), content="help")
        factories.say(bob, room, mentions=[agent.pk])
    many = len(_statements(lambda: read(api.get(address))))
    assert few == many <= most


def test_sync_does_not_grow(ann: User) -> None:
    rooms = _rooms(ann, 5)
    for room in rooms:
        factories.say(ann, room)
    cursors = {str(room): 1 for room in rooms}
    one = _statements(lambda: Api(ann).post("/sync", {"cursors": {str(rooms[0]): 1}}))
    assert len(_statements(lambda: Api(ann).post("/sync", {"cursors": cursors}))) == len(one) == 3


def test_opening_a_group_does_not_grow(ann: User) -> None:
    def opened(number: int) -> int:
        facts = {"type": "group", "participant_ids": [str(one.pk) for one in factories.persons(number)]}
        return len(_statements(lambda: read(Api(ann).post("/conversations", facts), 201)))

    assert opened(2) == opened(30)


def test_a_batch_takes_as_many_whatever_its_size(ann: User) -> None:
    room, staff = factories.direct(ann, factories.person()), Api(factories.person(is_staff=True))

    def added(first: int, number: int) -> int:
        line = {"sender_id": str(ann.pk), "content": "x", "sent_at": "2020-01-01T00:00:00Z"}
        lines = [{**line, "client_id": str(first + place)} for place in range(number)]
        path = f"/conversations/{room}/messages/batch"
        return len(_statements(lambda: read(staff.post(path, {"messages": lines}), 201)))

    assert added(100, 300) == added(0, 100) <= 6
