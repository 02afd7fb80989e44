"""The answers to a message, and who has read it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from conversations.models import Participant, User
from conversations.services import participants
from messaging.models import Message
from messaging.services import messages
from tests import factories
from tests.api import Api, pages, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return factories.persons(4)


@pytest.fixture
def room(people: list[User]) -> UUID:
    """A group with one message, of the first."""
    made = factories.group(*people)
    factories.say(people[0], made, "what do you say?")
    return made


def _all(user: User, room: UUID, what: str, *, seq: int = 1, limit: int = 2) -> Iterator[Any]:
    for page in pages(Api(user), f"/conversations/{room}/messages/{seq}/{what}", limit=limit):
        assert len(page) <= limit
        yield from page


def _answers(user: User, room: UUID, **more: int) -> list[int]:
    return [one["seq"] for one in _all(user, room, "replies", **more)]


def _readers(user: User, room: UUID, **more: int) -> list[str]:
    return [one["user"]["id"] for one in _all(user, room, "receipts", **more)]


def test_answers_are_what_the_history_shows_and_no_others(people: list[User], room: UUID) -> None:
    for number in range(7):
        factories.say(people[number % 3], room, str(number), reply_to=(None, 1, 1, 2, 1, 1, 4)[number])
    other = factories.group(people[0])
    factories.say(people[0], other)
    factories.say(people[0], other, reply_to=1)
    shown = factories.said(people[3], room)
    expected = [one for one in shown if one["reply_to"] == 1]
    assert list(_all(people[3], room, "replies")) == expected
    assert len(expected) == shown[0]["reply_count"] == 4
    assert _answers(people[3], room, seq=2) == [5]
    assert _answers(people[3], room, seq=3, limit=200) == []


def test_deleted_answers_are_left_out_and_those_to_a_deleted_message_are_not(
    people: list[User], room: UUID
) -> None:
    for number in range(4):
        factories.say(people[1], room, str(number), reply_to=1)
    messages.delete_message(actor_id=people[1].pk, conversation_id=room, seq=3)
    messages.delete_message(actor_id=people[0].pk, conversation_id=room, seq=1)
    assert _answers(people[2], room, limit=1) == [2, 4, 5]


def test_who_has_read_it(people: list[User], room: UUID) -> None:
    """Two have; the sender is none of them, nor who read up to the message before, left, or joined afterwards."""
    first, gone, *readers = people
    last, late = factories.persons(2)
    participants.add_participants(actor_id=first.pk, conversation_id=room, user_ids=[last.pk])
    factories.say(first, room, "and now?")
    participants.add_participants(actor_id=first.pk, conversation_id=room, user_ids=[late.pk])
    for reader in (gone, *readers):
        participants.mark_read(user_id=reader.pk, conversation_id=room, seq=2)
    participants.mark_read(user_id=last.pk, conversation_id=room, seq=1)
    participants.leave(user_id=gone.pk, conversation_id=room)
    assert Participant.objects.get(conversation=room, user=late).last_read_seq == 2
    expected = sorted(str(reader.pk) for reader in readers)
    assert _readers(first, room, seq=2) == _readers(first, room, seq=2, limit=1) == expected
    assert _readers(first, room, seq=1) == expected  # who came after it is not told of, though they read on
    assert [one["last_read_seq"] for one in _all(late, room, "receipts", seq=2)] == [2, 2]


def test_a_notice_of_the_system_has_readers(people: list[User], room: UUID) -> None:
    messages.send_notice(conversation_id=room, actor_id=None, content="renamed", metadata={})
    participants.mark_read(user_id=people[0].pk, conversation_id=room, seq=2)
    assert Message.objects.get(conversation=room, seq=2).sender is None
    assert _readers(people[1], room, seq=2) == [str(people[0].pk)]


@pytest.mark.parametrize("what", ["replies", "receipts"])
def test_what_is_not_there_and_what_is_asked_wrongly(people: list[User], room: UUID, what: str) -> None:
    api, path = Api(people[0]), f"/conversations/{room}/messages"
    problem(api.get(f"{path}/2/{what}"), 404)
    problem(api.get(f"{path}/9223372036854775807/{what}"), 404)
    for query in ({"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"cursor": "W251bGxd"}):
        problem(api.get(f"{path}/1/{what}", **query), 400)


@pytest.mark.parametrize("what", ["replies", "receipts"])
def test_one_statement(people: list[User], room: UUID, what: str, django_assert_num_queries: Any) -> None:
    api, path = Api(people[0]), f"/conversations/{room}/messages/1/{what}"
    for number in range(3):
        with django_assert_num_queries(1):
            assert len(read(api.get(path))["results"]) == number
        factories.say(people[number + 1], room, reply_to=1)  # which reads up to it, too
