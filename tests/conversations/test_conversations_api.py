"""Conversations over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from conversations.models import Conversation, User
from tests import factories
from tests.api import Api, pages, problem, read

pytestmark = pytest.mark.django_db
TOMORROW = "2026-12-31T10:00:00.000000Z"


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


@pytest.fixture
def bob() -> User:
    return factories.person("bob")


def _ids(reply: Any) -> list[str]:
    return [found["id"] for found in reply["results"]]


def test_a_direct_conversation_is_there_once(ann: User, bob: User) -> None:
    first = read(Api(ann).post("/conversations", {"type": "direct", "participant_ids": [str(bob.pk)]}), 201)
    again = read(Api(bob).post("/conversations", {"type": "direct", "participant_ids": [str(ann.pk)]}), 200)
    assert first["id"] == again["id"]
    assert (first["peer"]["id"], again["peer"]["id"]) == (str(bob.pk), str(ann.pk))


def test_a_group(ann: User, bob: User) -> None:
    facts = {"type": "group", "name": " den ", "participant_ids": [str(bob.pk), str(ann.pk)]}
    made = read(Api(ann).post("/conversations", facts), 201)
    assert (made["name"], made["participant_count"], made["membership"]["role"]) == ("den", 2, "owner")
    assert read(Api(bob).get(f"/conversations/{made['id']}"))["membership"]["role"] == "member"


def test_a_case_with_first_words(ann: User) -> None:
    made = read(
        Api(ann).post("/conversations", {"type": "business", "business_id": "a.b", "content": "help"}), 201
    )
    assert (made["business"]["status"], made["last_message"]["content"]) == ("open", "help")
    assert (made["membership"]["role"], made["unread_count"]) == ("customer", 0)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"type": "party"},
        {"type": "direct"},
        {"type": "direct", "participant_ids": []},
        {"type": "direct", "participant_ids": ["{bob}", "{ann}"]},
        {"type": "direct", "participant_ids": ["{ann}"]},
        {"type": "direct", "participant_ids": ["{bob}"], "name": "us"},
        {"type": "direct", "participant_ids": "{bob}"},
        {"type": "direct", "participant_ids": [5]},
        {"type": "direct", "participant_ids": [str(uuid4())]},
        {"type": "group", "participant_ids": [str(uuid4())]},
        {"type": "group", "participant_ids": [str(uuid4())] * 1001},
        {"type": "group", "name": "   "},
        {"type": "group", "name": "n" * 121},
        {"type": "group", "name": None},
        {"type": "group", "business_id": "acme"},
        {"type": "group", "owner": "{bob}"},
        {"type": "business"},
        {"type": "business", "business_id": "a b"},
        {"type": "business", "business_id": "a" * 65},
        {"type": "business", "business_id": "acme\n"},
        {"type": "business", "business_id": "acme", "content": "c" * 16_001},
        {"type": "business", "business_id": "acme", "participant_ids": ["{bob}"]},
    ],
)
def test_what_cannot_be_opened(ann: User, bob: User, facts: dict[str, Any]) -> None:
    people = {"{ann}": str(ann.pk), "{bob}": str(bob.pk)}
    given = facts.get("participant_ids")
    if isinstance(given, list):
        facts = {**facts, "participant_ids": [people.get(str(one), one) for one in given]}
    assert problem(Api(ann).post("/conversations", facts), 400)["errors"]
    assert not Conversation.objects.exists()


def test_rename(ann: User, bob: User) -> None:
    room = factories.group(ann, bob, name="den")
    changed = read(
        Api(ann).patch(f"/conversations/{room}", {"name": "attic", "avatar_url": "https://a.example/p"})
    )
    assert (changed["name"], changed["avatar_url"], changed["version"]) == ("attic", "https://a.example/p", 2)
    assert read(Api(ann).patch(f"/conversations/{room}", {"name": "attic"}))["version"] == 2
    assert read(Api(ann).patch(f"/conversations/{room}", {}))["version"] == 2


def test_a_deleted_conversation_is_gone_for_all(ann: User, bob: User) -> None:
    room = factories.group(ann, bob)
    read(Api(ann).delete(f"/conversations/{room}"), 204)
    for user in (ann, bob):
        problem(Api(user).get(f"/conversations/{room}"), 404)
        assert _ids(read(Api(user).get("/conversations"))) == []


def test_membership(ann: User, bob: User) -> None:
    room = factories.direct(ann, bob)
    choices = {"pinned": True, "archived": True, "notify": "none", "muted_until": TOMORROW}
    mine = read(Api(ann).patch(f"/conversations/{room}/membership", choices))
    assert {name: mine[name] for name in choices} == choices
    assert (
        read(Api(ann).patch(f"/conversations/{room}/membership", {"muted_until": None}))["muted_until"]
        is None
    )
    assert read(Api(bob).get(f"/conversations/{room}"))["membership"]["pinned"] is False


@pytest.mark.parametrize(
    "choices",
    [{"pinned": "yes"}, {"pinned": 1}, {"notify": "loud"}, {"muted_until": "soon"}, {"role": "owner"}],
)
def test_what_is_no_choice(ann: User, bob: User, choices: dict[str, Any]) -> None:
    room = factories.direct(ann, bob)
    problem(Api(ann).patch(f"/conversations/{room}/membership", choices), 400)


def test_reading_moves_forward_and_back_when_told(ann: User, bob: User) -> None:
    room = factories.direct(ann, bob)
    for _ in range(3):
        factories.say(ann, room)
    path = f"/conversations/{room}/read"
    assert read(Api(bob).post(path, {"seq": 2})) == {"last_read_seq": 2, "unread_count": 1}
    assert read(Api(bob).post(path, {"seq": 1})) == {"last_read_seq": 2, "unread_count": 1}
    assert read(Api(bob).post(path, {"seq": 99})) == {"last_read_seq": 3, "unread_count": 0}
    assert read(Api(bob).post(path, {"unread_from": 1})) == {"last_read_seq": 0, "unread_count": 3}


@pytest.mark.parametrize(
    "given",
    [{}, {"seq": 1, "unread_from": 1}, {"seq": -1}, {"unread_from": 0}, {"seq": "1"}, {"seq": 2**53 + 1}],
)
def test_what_is_no_read_position(ann: User, bob: User, given: dict[str, Any]) -> None:
    room = factories.direct(ann, bob)
    problem(Api(ann).post(f"/conversations/{room}/read", given), 400)


def test_the_inbox_pins_first_and_pages(ann: User, bob: User) -> None:
    rooms = [str(factories.group(ann, bob, name=f"room {number}")) for number in range(5)]
    read(Api(ann).patch(f"/conversations/{rooms[1]}/membership", {"pinned": True}))
    wanted = [rooms[1], rooms[4], rooms[3], rooms[2], rooms[0]]
    assert [room["id"] for page in pages(Api(ann), "/conversations", limit=2) for room in page] == wanted


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"direct", "group", "case"}),
        ({"type": "group"}, {"group"}),
        ({"type": ""}, {"direct", "group", "case"}),
        ({"business_id": "acme"}, {"case"}),
        ({"business_id": "other"}, set()),
        ({"status": "open"}, {"case"}),
        ({"status": "resolved"}, set()),
        ({"assignee": "none"}, {"case"}),
        ({"assignee": "me"}, set()),
        ({"assignee": str(uuid4())}, set()),
        ({"unread": "true"}, {"direct"}),
        ({"unread": "false"}, {"group", "case"}),
        ({"archived": "true"}, {"away"}),
        ({"search": "DEN"}, {"group"}),
        ({"search": "bob"}, {"direct"}),
        ({"search": "%"}, set()),
    ],
)
def test_filters(ann: User, bob: User, query: dict[str, str], found: set[str]) -> None:
    rooms = {
        "direct": factories.direct(ann, bob),
        "group": factories.group(ann, name="den"),
        "case": factories.case(ann),
        "away": factories.group(ann, name="attic"),
    }
    factories.say(bob, rooms["direct"])
    read(Api(ann).patch(f"/conversations/{rooms['away']}/membership", {"archived": True}))
    names = {str(room): name for name, room in rooms.items()}
    assert {names[room] for room in _ids(read(Api(ann).get("/conversations", **query)))} == found


@pytest.mark.parametrize(
    "query",
    [
        {"type": "party"},
        {"status": "lost"},
        {"assignee": "bob"},
        {"unread": "perhaps"},
        {"search": "s" * 101},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "many"},
        {"business_id": "a b"},
    ],
)
def test_bad_filters(ann: User, query: dict[str, str]) -> None:
    refused = problem(Api(ann).get("/conversations", **query), 400)
    assert [error["field"] for error in refused["errors"]] == list(query)


def test_participants_come_and_go(ann: User, bob: User) -> None:
    room, carol = factories.group(ann, bob), factories.person("carol")
    path = f"/conversations/{room}/participants"
    added = read(Api(ann).post(path, {"user_ids": [str(carol.pk), str(bob.pk)], "role": "admin"}), 201)
    assert [(one["user"]["id"], one["role"]) for one in added["results"]] == [
        (str(carol.pk), "admin"),
        (str(bob.pk), "member"),
    ]
    assert read(Api(ann).patch(f"{path}/{bob.pk}", {"role": "owner"}))["role"] == "owner"
    read(Api(ann).delete(f"{path}/{carol.pk}"), 204)
    read(Api(ann).post(f"/conversations/{room}/leave"), 204)
    assert [one["user"]["id"] for one in read(Api(bob).get(path))["results"]] == [str(bob.pk)]


def test_pages_of_participants(ann: User) -> None:
    others = factories.persons(6)
    room = factories.group(ann, *others)
    found = list(pages(Api(ann), f"/conversations/{room}/participants", limit=3))
    assert [len(page) for page in found] == [3, 3, 1]
    assert [one["user"]["id"] for page in found for one in page] == [str(user.pk) for user in [ann, *others]]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"user_ids": []},
        {"user_ids": [str(uuid4())]},
        {"user_ids": [str(uuid4())] * 101},
        {"user_ids": ["{bob}"], "role": "agent"},
        {"user_ids": ["{bob}"], "role": "king"},
    ],
)
def test_who_cannot_be_added(ann: User, bob: User, given: dict[str, Any]) -> None:
    room = factories.group(ann)
    given = {
        **given,
        "user_ids": [str(bob.pk) if one == "{bob}" else one for one in given.get("user_ids", [])],
    }
    problem(Api(ann).post(f"/conversations/{room}/participants", given), 400)
    assert factories.roles(room) == {ann.pk: "owner"}
