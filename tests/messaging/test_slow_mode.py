"""Slow mode: a member of the group waits between two messages, whichever way they are sent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from conversations.models import Conversation, Participant, User
from messaging.exceptions import SlowMode
from messaging.models import Message
from messaging.queries import writing
from messaging.records import Draft
from messaging.services import messages
from tests import factories
from tests.api import Api, problem, read
from tests.factories import frame
from tests.races import Rival, holding

PACE = 30


@pytest.fixture
def people(db: None) -> list[User]:
    """An owner, an admin, a member."""
    return factories.persons(3)


@pytest.fixture
def room(people: list[User]) -> UUID:
    made = factories.group(*people)
    Participant.objects.filter(conversation=made, user=people[1]).update(role="admin")
    slow(people[0], made, PACE)
    return made


def slow(user: User, room: UUID, seconds: int) -> Any:
    return read(Api(user).patch(f"/conversations/{room}", {"slow_mode_s": seconds}))["slow_mode_s"]


def later(room: UUID, seconds: float) -> None:
    """As if all of it had been said so much earlier."""
    before = timezone.now() - timedelta(seconds=seconds)
    Message.objects.filter(conversation=room).update(sent_at=before)


def test_a_member_waits_and_who_keeps_order_does_not(people: list[User], room: UUID) -> None:
    owner, admin, member = people
    sent = read(
        Api(member).post(f"/conversations/{room}/messages", {"content": "one", "client_id": "1"}), 201
    )
    refused = Api(member).post(f"/conversations/{room}/messages", {"content": "two", "client_id": "2"})
    told = problem(refused, 429)
    assert told["code"] == "slow_mode"
    assert PACE - 5 <= int(refused["Retry-After"]) <= PACE
    assert refused["Retry-After"] in told["detail"]
    again = Api(member).post(f"/conversations/{room}/messages", {"content": "one", "client_id": "1"})
    assert read(again)["seq"] == sent["seq"]
    for user in (owner, owner, admin, admin):
        factories.say(user, room)
    assert Conversation.objects.get(pk=room).last_seq == 5
    later(room, PACE + 1)
    assert factories.say(member, room, attachments=[factories.file(member).pk]).seq == 6
    with pytest.raises(SlowMode):
        factories.say(member, room, attachments=[factories.file(member).pk])
    elsewhere = factories.group(owner, member)
    assert [factories.say(member, elsewhere).seq, factories.say(member, elsewhere).seq] == [1, 2]


def test_one_taken_back_counts_and_replies_wait_too(people: list[User], room: UUID) -> None:
    member = people[2]
    factories.say(member, room)
    messages.delete_message(actor_id=member.pk, conversation_id=room, seq=1)
    factories.say(people[0], room)
    with pytest.raises(SlowMode):
        factories.say(member, room, reply_to=2)
    later(room, PACE + 1)
    assert factories.say(member, room, reply_to=2).seq == 3
    assert Message.objects.get(conversation=room, seq=2).reply_count == 1


def test_it_is_changed_by_who_may_and_everybody_is_told(people: list[User], room: UUID) -> None:
    owner, admin, member = people
    path = f"/conversations/{room}"
    problem(Api(member).patch(path, {"slow_mode_s": 0}), 403)
    for wrong in (-1, 21_601, "10", 1.5, None, True):
        assert (
            problem(Api(owner).patch(path, {"slow_mode_s": wrong}), 400)["errors"][0]["field"]
            == "slow_mode_s"
        )
    direct = factories.direct(owner, member)
    problem(Api(owner).patch(f"/conversations/{direct}", {"slow_mode_s": 5}), 403)
    with factories.heard() as heard:
        assert slow(admin, room, 60) == 60
        assert slow(admin, room, 60) == 60  # changes nothing
        assert slow(owner, room, 0) == 0
        assert slow(owner, room, 0) == 0
    told = [frame(envelope) for envelope in heard]
    assert [(one["event"], one["data"]["slow_mode_s"]) for one in told] == [
        ("conversation.updated", 60),
        ("conversation.updated", 0),
    ]
    assert [factories.say(member, room).seq, factories.say(member, room).seq] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_said() -> None:
    """The second waits for the lock, and cannot see what the first one said."""
    owner, member = factories.persons(2)
    room = factories.group(owner, member)
    slow(owner, room, PACE)
    given = {"sender_id": member.pk, "conversation_id": room}
    with holding(room):
        rivals = [Rival(messages.send_message, **given, content=each).await_blocked() for each in "ab"]
    said, refused = [], 0
    for rival in rivals:
        try:
            said.append(rival.result().seq)
        except SlowMode:
            refused += 1
    assert (said, refused) == ([1], 1)
    assert Message.objects.filter(conversation=room).count() == 1
    assert Conversation.objects.get(pk=room).version == 3


def test_who_is_too_early_is_allotted_nothing(people: list[User], room: UUID) -> None:
    """It is no fault for the log of PostgreSQL to tell."""
    factories.say(people[2], room)
    draft = Draft(sender=people[2].pk, conversation=room, content="two")
    assert writing.send_message(draft) is None


def test_it_costs_others_no_look_at_their_last_message(people: list[User]) -> None:
    room = factories.group(*people)
    factories.say(people[2], room)
    given: dict[str, Any] = Draft(sender=people[2].pk, conversation=room, content="x")._asdict()
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + writing.SEND.plain, {**given, "mentions": []}
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    looks = [line for line in plan.splitlines() if "on messages w" in line]
    assert looks
    assert all("never executed" in line for line in looks)
