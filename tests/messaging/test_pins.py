"""Pinned messages."""

from typing import Any
from uuid import UUID

import pytest

from conversations.exceptions import Conflict
from conversations.models import Conversation, User
from messaging import limits
from messaging.queries import changes
from messaging.services import messages
from messaging.services.pins import pin
from tests import factories
from tests.api import Api, problem, read
from tests.factories import frame
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return factories.persons(2)


@pytest.fixture
def room(people: list[User]) -> UUID:
    made = factories.group(*people)
    for number in range(4):
        factories.say(people[1], made, str(number))
    return made


def _pin(user: User, room: UUID, *seqs: int, on: bool = True) -> None:
    for seq in seqs:
        pin(actor_id=user.pk, conversation_id=room, seq=seq, on=on)


def _pinned(user: User, room: UUID) -> list[int]:
    return [one["seq"] for one in read(Api(user).get(f"/conversations/{room}/pins"))["results"]]


def test_the_one_pinned_last_comes_first(people: list[User], room: UUID) -> None:
    _pin(people[0], room, 3, 1, 2)
    _pin(people[0], room, 1, on=False)
    assert _pinned(people[1], room) == [2, 3]
    shown = read(Api(people[1]).get(f"/conversations/{room}"))
    assert shown["pins"] == [3, 2]
    _pin(people[0], room, 2, 3, on=False)
    assert _pinned(people[1], room) == []


def test_everybody_is_told_now_and_who_was_away_later(people: list[User], room: UUID) -> None:
    before = Conversation.objects.get(pk=room).version
    with factories.heard() as envelopes:
        _pin(people[0], room, 1, 2)
        _pin(people[0], room, 2)
        _pin(people[0], room, 1, on=False)
        _pin(people[0], room, 1, on=False)
    told = [frame(envelope) for envelope in envelopes]
    assert [(one["event"], one["version"] - before, one["data"]["pins"]) for one in told] == [
        ("conversation.updated", 1, [1]),
        ("conversation.updated", 2, [1, 2]),
        ("conversation.updated", 3, [2]),
    ]
    (missed,) = changes.changes_since(conversation_id=room, after=before, limit=50)
    assert (missed.event, missed.version - before) == ("conversation.updated", 3)
    assert '"pins":[2]' in missed.data


def test_deleting_takes_the_pin_off_and_tells_both(people: list[User], room: UUID) -> None:
    factories.say(people[0], room, reply_to=1)
    _pin(people[0], room, 5, 1)
    with factories.heard() as envelopes:
        messages.delete_message(actor_id=people[0].pk, conversation_id=room, seq=5)
    told = [frame(envelope) for envelope in envelopes]
    assert [one["event"] for one in told] == ["message.deleted", "conversation.updated", "message.updated"]
    assert [one["version"] - one["prev"] for one in told] == [1, 1, 1]
    assert told[-1]["version"] == Conversation.objects.get(pk=room).version
    assert told[1]["data"]["pins"] == _pinned(people[0], room) == [1]
    with pytest.raises(Conflict) as refused:
        _pin(people[0], room, 5)
    assert refused.value.code == "message_deleted"


def test_there_is_an_end_to_them(people: list[User], room: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PINS", 2)
    _pin(people[0], room, 1, 2)
    path = f"/conversations/{room}/pins"
    assert problem(Api(people[0]).put(f"{path}/3"), 409)["code"] == "too_many_pins"
    read(Api(people[0]).put(f"{path}/2"), 204)
    read(Api(people[0]).delete(f"{path}/2"), 204)
    read(Api(people[0]).put(f"{path}/3"), 204)
    problem(Api(people[0]).put(f"{path}/9"), 404)
    assert _pinned(people[0], room) == [3, 1]


@pytest.mark.django_db(transaction=True)
def test_two_who_pin_at_once_both_do() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room)
    factories.say(ann, room)
    with holding(room):
        rival = Rival(pin, actor_id=ben.pk, conversation_id=room, seq=2, on=True).await_blocked()
        _pin(ann, room, 1)
    rival.result()
    assert Conversation.objects.get(pk=room).pins == [1, 2]


def test_one_statement(people: list[User], room: UUID, django_assert_num_queries: Any) -> None:
    for number in range(3):
        with django_assert_num_queries(1):
            assert len(_pinned(people[1], room)) == number
        _pin(people[0], room, number + 1)
