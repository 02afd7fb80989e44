"""Messages over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from conversations.models import User
from messaging.models import Message
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


@pytest.fixture
def bob() -> User:
    return factories.person("bob")


@pytest.fixture
def room(ann: User, bob: User) -> UUID:
    return factories.direct(ann, bob)


def _seqs(reply: Any) -> list[int]:
    return [message["seq"] for message in reply["results"]]


def test_send_and_read(ann: User, bob: User, room: UUID) -> None:
    path = f"/conversations/{room}/messages"
    facts = {"content": " hi \n", "metadata": {"a": [1, None]}, "mentions": [str(bob.pk)], "client_id": "x"}
    sent = read(Api(ann).post(path, facts), 201)
    assert {name: sent[name] for name in facts} == facts
    assert (sent["seq"], sent["sender"]["id"]) == (1, str(ann.pk))
    assert read(Api(bob).get(path)) == {"results": [sent], "has_before": False, "has_after": False}
    assert read(Api(bob).get(f"{path}/1")) == sent


def test_the_same_client_id_gives_the_first_message(ann: User, room: UUID) -> None:
    path = f"/conversations/{room}/messages"
    first = read(Api(ann).post(path, {"content": "hi", "client_id": "x"}), 201)
    assert read(Api(ann).post(path, {"content": "other", "client_id": "x"}), 200) == first
    assert Message.objects.count() == 1


def test_a_reply_counts_at_its_parent(ann: User, room: UUID) -> None:
    path = f"/conversations/{room}/messages"
    factories.say(ann, room)
    assert read(Api(ann).post(path, {"content": "yes", "reply_to": 1}), 201)["reply_to"] == 1
    assert read(Api(ann).get(f"{path}/1"))["reply_count"] == 1


def test_an_agent_joins_a_case_by_answering(ann: User) -> None:
    case, agent = factories.case(ann), factories.agent()
    read(Api(agent).post(f"/conversations/{case}/messages", {"content": "How?"}), 201)
    assert factories.roles(case) == {ann.pk: "customer", agent.pk: "agent"}


@pytest.mark.parametrize(
    "facts",
    [
        {"type": "image", "metadata": {"url": "https://a.example/a.png"}},
        {"type": "location", "content": "", "metadata": {"lat": 1.5, "lon": -3}},
        {"content": "c" * 16_000},
        {
            "content": "x",
            "client_id": None,
            "reply_to": None,
            "mentions": [],
            "attachments": [],
            "metadata": {},
        },
        {"content": "x", "client_id": "\u00e9 id"},
        {"content": "x", "metadata": {"deep": {"2": {"3": {"4": {"5": {"6": {"7": 8}}}}}}}},
    ],
)
def test_what_can_be_said(ann: User, room: UUID, facts: dict[str, Any]) -> None:
    read(Api(ann).post(f"/conversations/{room}/messages", facts), 201)


@pytest.mark.parametrize(
    ("facts", "field", "code"),
    [
        ({}, "content", "blank"),
        ({"content": None}, "content", "null"),
        ({"content": " \n\t"}, "content", "blank"),
        ({"content": 5}, "content", "invalid"),
        ({"content": ["x"]}, "content", "invalid"),
        ({"content": "c" * 16_001}, "content", "max_length"),
        ({"content": "x", "type": "system"}, "type", "invalid_choice"),
        ({"content": "x", "type": 1}, "type", "invalid_choice"),
        ({"type": "image"}, "content", "blank"),
        ({"content": "x", "client_id": ""}, "client_id", "blank"),
        ({"content": "x", "client_id": " "}, "client_id", "invalid"),
        ({"content": "x", "client_id": "a\nb"}, "client_id", "invalid"),
        ({"content": "x", "client_id": "i" * 65}, "client_id", "max_length"),
        ({"content": "x", "metadata": []}, "metadata", "not_a_dict"),
        ({"content": "x", "metadata": {"a": "b" * 8_192}}, "metadata", "max_length"),
        ({"content": "x", "metadata": {"a": [[[[[[[[1]]]]]]]]}}, "metadata", "too_deep"),
        ({"content": "x", "reply_to": 0}, "reply_to", "min_value"),
        ({"content": "x", "reply_to": "1"}, "reply_to", "invalid"),
        ({"content": "x", "reply_to": True}, "reply_to", "invalid"),
        ({"content": "x", "reply_to": 7}, "reply_to", "unknown_message"),
        ({"content": "x", "mentions": ["bob"]}, "mentions.0", "invalid"),
        ({"content": "x", "mentions": [str(uuid4())] * 51}, "mentions", "max_length"),
        ({"content": "x", "attachments": [str(uuid4())]}, "attachments", "unknown_attachment"),
        ({"content": "x", "hidden": True}, "hidden", "unknown_field"),
    ],
)
def test_what_cannot_be_said(ann: User, room: UUID, facts: dict[str, Any], field: str, code: str) -> None:
    refused = problem(Api(ann).post(f"/conversations/{room}/messages", facts), 400)
    assert [(error["field"], error["code"]) for error in refused["errors"]] == [(field, code)]
    assert not Message.objects.exists()


def test_edit(ann: User, room: UUID) -> None:
    factories.say(ann, room, "helo")
    edited = read(Api(ann).patch(f"/conversations/{room}/messages/1", {"content": "hello"}))
    assert (edited["content"], edited["version"]) == ("hello", 3)
    assert edited["edited_at"] > edited["sent_at"]


@pytest.mark.parametrize("facts", [{}, {"content": ""}, {"content": " "}, {"content": "x", "type": "image"}])
def test_what_is_no_edit(ann: User, room: UUID, facts: dict[str, Any]) -> None:
    factories.say(ann, room, "hello")
    problem(Api(ann).patch(f"/conversations/{room}/messages/1", facts), 400)
    assert Message.objects.get().content == "hello"


def test_a_deleted_message_keeps_its_place(ann: User, bob: User, room: UUID) -> None:
    factories.say(ann, room, "secret", metadata={"a": 1}, mentions=[bob.pk])
    gone = read(Api(ann).delete(f"/conversations/{room}/messages/1"))
    assert (gone["seq"], gone["content"], gone["metadata"], gone["mentions"]) == (1, "", {}, [])
    assert gone["deleted_at"]
    refused = problem(Api(ann).patch(f"/conversations/{room}/messages/1", {"content": "x"}), 409)
    assert refused["code"] == "message_deleted"


@pytest.mark.parametrize(
    ("query", "seqs", "before", "after"),
    [
        ({"limit": 3}, [5, 6, 7], True, False),
        ({"limit": 3, "before": 4}, [1, 2, 3], False, True),
        ({"limit": 2, "before": 4}, [2, 3], True, True),
        ({"limit": 3, "before": 99}, [5, 6, 7], True, False),
        ({"limit": 2, "after": 3}, [4, 5], True, True),
        ({"limit": 9, "after": 3}, [4, 5, 6, 7], True, False),
        ({"limit": 9, "after": 0}, [1, 2, 3, 4, 5, 6, 7], False, False),
        ({"limit": 9, "after": 99}, [], True, False),
        ({"limit": 3, "around": 4}, [3, 4, 5], True, True),
        ({"type": "image"}, [2, 6], False, False),
        ({"type": "image", "limit": 1}, [6], True, False),
        ({"type": "image", "before": 6}, [2], False, True),
        ({"type": "system"}, [], False, False),
    ],
)
def test_pages(
    ann: User, room: UUID, query: dict[str, Any], seqs: list[int], before: bool, after: bool
) -> None:
    for number in range(1, 8):
        factories.say(ann, room, str(number), type="image" if number in {2, 6} else "text")
    page = read(Api(ann).get(f"/conversations/{room}/messages", **query))
    assert (_seqs(page), page["has_before"], page["has_after"]) == (seqs, before, after)


@pytest.mark.parametrize(
    "query",
    [
        {"before": 0},
        {"before": "x"},
        {"before": 2**53 + 1},
        {"before": "9" * 30},
        {"after": -1},
        {"around": 0},
        {"before": 2, "after": 1},
        {"before": 2, "around": 1},
        {"limit": 0},
        {"limit": 201},
        {"limit": "1.5"},
        {"type": "song"},
    ],
)
def test_bad_pages(ann: User, room: UUID, query: dict[str, Any]) -> None:
    assert problem(Api(ann).get(f"/conversations/{room}/messages", **query), 400)["errors"]


@pytest.mark.parametrize("seq", ["0", "2", str(2**63 - 1), str(2**63), "9" * 20, "-1", "x", "1.0", "1/"])
def test_a_message_that_is_not_there(ann: User, room: UUID, seq: str) -> None:
    factories.say(ann, room)
    problem(Api(ann).get(f"/conversations/{room}/messages/{seq}"), 404)


def _line(sender: User, name: str, **more: Any) -> dict[str, Any]:
    line = {
        "sender_id": str(sender.pk),
        "content": name,
        "sent_at": "2020-01-02T03:04:05.000006Z",
        "client_id": name,
    }
    return {**line, **more}


@pytest.fixture
def staff() -> Api:
    return Api(factories.person(is_staff=True))


@pytest.mark.parametrize("bare", [False, True])
def test_a_batch_keeps_order_and_times(ann: User, bob: User, room: UUID, staff: Api, bare: bool) -> None:
    factories.say(ann, room, client_id="a")
    lines = [_line(bob, "b"), _line(ann, "a"), _line(ann, "c"), _line(bob, "b")]
    added = read(
        staff.post(f"/conversations/{room}/messages/batch", lines if bare else {"messages": lines}), 201
    )
    assert [(one["client_id"], one["seq"]) for one in added["results"]] == [
        ("b", 2),
        ("a", 1),
        ("c", 3),
        ("b", 2),
    ]
    assert (added["inserted"], added["duplicates"]) == (2, 2)
    told = read(Api(ann).get(f"/conversations/{room}/messages", after=1))["results"]
    assert [message["sent_at"] for message in told] == [lines[0]["sent_at"]] * 2


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"sender_id": str(uuid4())}, "messages.1.sender_id"),
        ({"type": "system"}, "messages.1.type"),
        ({"content": " "}, "messages.1.content"),
        ({"sent_at": "yesterday"}, "messages.1.sent_at"),
        ({"sent_at": "3000-01-01T00:00:00Z"}, "messages.1.sent_at"),
        ({"sent_at": "1969-01-01T00:00:00Z"}, "messages.1.sent_at"),
        ({"sent_at": 5}, "messages.1.sent_at"),
        ({"client_id": ""}, "messages.1.client_id"),
        ({"seq": 5}, "messages.1.seq"),
    ],
)
def test_a_batch_is_all_or_nothing(
    ann: User, room: UUID, staff: Api, more: dict[str, Any], field: str
) -> None:
    lines = [_line(ann, "a"), _line(ann, "b", **more)]
    refused = problem(staff.post(f"/conversations/{room}/messages/batch", {"messages": lines}), 400)
    assert [error["field"] for error in refused["errors"]] == [field]
    assert not Message.objects.exists()


def test_a_batch_has_a_bound(ann: User, room: UUID, staff: Api) -> None:
    path = f"/conversations/{room}/messages/batch"
    problem(staff.post(path, {"messages": []}), 400)
    problem(staff.post(path, {"messages": [_line(ann, str(number)) for number in range(1_001)]}), 400)
    added = read(staff.post(path, {"messages": [_line(ann, str(number)) for number in range(1_000)]}), 201)
    assert added["inserted"] == 1_000
    assert [one["seq"] for one in added["results"]] == list(range(1, 1_001))
