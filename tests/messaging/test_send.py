"""Saying something: once, in order, by somebody who may."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from conversations.exceptions import Invalid, NotFound, Unauthenticated
from conversations.models import Conversation, User
from conversations.services import conversations, participants
from messaging.models import Message
from messaging.services import messages
from tests import factories
from tests.factories import Json, body
from tests.oracle import require_order
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db


def _counters(room: UUID) -> tuple[int, int]:
    conversation = Conversation.objects.get(pk=room)
    return conversation.last_seq, conversation.version


def test_the_whole_shape_of_a_message() -> None:
    ann, ben = factories.person(), factories.person(display_name="Ben", avatar_url="https://a.example/b.png")
    room = factories.direct(ann, ben)
    factories.say(ann, room)
    said = factories.say(
        ben, room, "look", type="image", metadata={"w": 1}, client_id="c", reply_to=1, mentions=[ann.pk]
    )
    shown = body(said)
    assert shown == {
        "conversation": str(room),
        "seq": 2,
        "version": 3,
        "type": "image",
        "sender": {
            "id": str(ben.pk),
            "kaha_id": None,
            "username": ben.username,
            "display_name": "Ben",
            "avatar_url": "https://a.example/b.png",
        },
        "content": "look",
        "metadata": {"w": 1},
        "reply_to": 1,
        "reply_count": 0,
        "client_id": "c",
        "mentions": [str(ann.pk)],
        "attachments": [],
        "reactions": [],
        "sent_at": shown["sent_at"],
        "edited_at": None,
        "deleted_at": None,
    }
    assert factories.said(ann, room)[1] == shown


TEXTS = [
    '"',
    "\\",
    "\r\n\t\x01\x7f",
    "e\u0301é",
    "שלום abc",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u2028\u2029\ufeff",
    "</script>",
    "%(x)s %s {}",
    "\U0001d518" * 4000,
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    said = body(factories.say(ann, room, text, metadata={"text": text}, client_id=text[:8]))
    assert (said["content"], said["metadata"], said["client_id"]) == (text, {"text": text}, text[:8])
    assert "\n" not in factories.say(ann, room, text).body


@pytest.mark.parametrize(
    "given",
    [
        {"content": "a\0b"},
        {"content": "x", "metadata": {"a": "\0"}},
        {"content": "x", "client_id": "\0"},
        {"content": "x", "client_id": "i" * 65},
        {"content": "x", "reply_to": 10**30},
        {"content": "x", "reply_to": 7},
        {"content": "x", "type": "system"},
        {"content": "x", "type": "shout"},
    ],
)
def test_what_cannot_be_said_is_refused_and_takes_no_place(given: Json) -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    with pytest.raises(Invalid):
        factories.say(ann, room, **given)
    assert _counters(room) == (0, 1)


def _outsider() -> tuple[User, UUID]:
    ann, ben, eve = factories.persons(3)
    return eve, factories.direct(ann, ben)


def _removed() -> tuple[User, UUID]:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ben.pk)
    return ben, room


def _deleted() -> tuple[User, UUID]:
    ann = factories.person()
    room = factories.group(ann)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    return ann, room


@pytest.mark.parametrize("place", [_outsider, _removed, _deleted])
@pytest.mark.parametrize("client_id", [None, "1"])
def test_who_is_not_in_is_not_heard(place: Callable[[], tuple[User, UUID]], client_id: str | None) -> None:
    user, room = place()
    before = _counters(room)
    with pytest.raises(NotFound):
        factories.say(user, room, client_id=client_id)
    assert _counters(room) == before


def test_a_closed_account_is_told_so() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    with pytest.raises(Unauthenticated):
        factories.say(ann, room)


def test_the_same_client_id_again_answers_with_the_first_message() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    first = factories.say(ann, room, "once", client_id="1")
    again = factories.say(ann, room, "twice", client_id="1")
    assert (again.body, again.duplicate) == (first.body, True)
    assert factories.say(ben, room, client_id="1").duplicate is False
    assert _counters(room) == (2, 3)


def test_a_client_id_is_known_after_the_message_was_deleted() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room, client_id="1")
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    again = factories.say(ann, room, client_id="1")
    assert again.duplicate
    assert body(again)["deleted_at"] is not None


def test_times_ascend_with_places() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    times = [body(factories.say(user, room))["sent_at"] for user in (ann, ben) * 10]
    assert times == sorted(times)


def test_replies_are_counted_while_they_stand() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room)
    for _ in range(2):
        factories.say(ben, room, reply_to=1)
    messages.delete_message(actor_id=ben.pk, conversation_id=room, seq=2)
    assert [one["reply_count"] for one in factories.said(ann, room)] == [1, 0, 0]


def test_nothing_deleted_is_replied_to_but_its_count_stays_right() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room)
    factories.say(ben, room, reply_to=1)
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    with pytest.raises(Invalid):
        factories.say(ben, room, reply_to=1)
    messages.delete_message(actor_id=ben.pk, conversation_id=room, seq=2)
    assert [one["reply_count"] for one in factories.said(ann, room)] == [0, 0]


def test_a_notice_may_come_from_nobody_and_waits_for_nobody() -> None:
    ann = factories.person()
    room = factories.group(ann)
    told = messages.send_notice(conversation_id=room, actor_id=None, content="x", metadata={"a": 1})
    assert (body(told)["sender"], body(told)["type"]) == (None, "system")
    assert [one["unread_count"] for one in factories.inbox_of(ann)] == [0]


@pytest.mark.django_db(transaction=True)
def test_one_statement_says_it_and_two_a_reply(django_assert_num_queries: Any) -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    connection.ensure_connection()
    with django_assert_num_queries(1):
        factories.say(ann, room, mentions=[ben.pk], client_id="1")
    with django_assert_num_queries(1):
        assert factories.say(ann, room, client_id="1").duplicate
    with django_assert_num_queries(4):  # BEGIN, two statements, COMMIT
        factories.say(ann, room, reply_to=1)


@pytest.mark.django_db(transaction=True)
def test_the_same_client_id_at_once_is_one_message() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    given: Json = {"sender_id": ann.pk, "conversation_id": room, "content": "x", "client_id": "1"}
    with holding(room):
        rivals = [Rival(messages.send_message, **given).await_blocked() for _ in range(3)]
        mine = messages.send_message(**given)
    found = [rival.result() for rival in rivals]
    assert {one.body for one in found} == {mine.body}
    assert [one.duplicate for one in found] == [True] * 3
    assert _counters(room) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_take_places_without_gaps_in_the_order_of_their_commits() -> None:
    people = factories.persons(5)
    room = factories.group(*people)
    with factories.heard(commit=False) as envelopes:
        with holding(room):
            given: Json = {"conversation_id": room, "content": "x"}
            rivals = [
                Rival(messages.send_message, sender_id=user.pk, **given).await_blocked() for user in people
            ]
        seqs = sorted(rival.result().seq for rival in rivals)
    assert seqs == [1, 2, 3, 4, 5]
    require_order(room, last_seq=5, version=6)
    times = Message.objects.order_by("seq").values_list("sent_at", flat=True)
    assert list(times) == sorted(times)
    assert sorted((one["prev"], one["version"]) for one in envelopes) == [(n, n + 1) for n in range(1, 6)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", [{}, {"client_id": "1"}, {"reply_to": 1}])
def test_somebody_removed_while_they_send_is_refused_and_takes_no_place(given: Json) -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    factories.say(ann, room)
    with holding(room):
        rival = Rival(
            messages.send_message, sender_id=ben.pk, conversation_id=room, content="x", **given
        ).await_blocked()
        participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ben.pk)
    with pytest.raises(NotFound):
        rival.result()
    assert _counters(room) == (1, 3)


@pytest.mark.django_db(transaction=True)
def test_a_group_deleted_while_somebody_sends_stays_silent() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    given: Json = {"sender_id": ben.pk, "conversation_id": room, "content": "x"}
    with holding(room):
        rival = Rival(messages.send_message, **given).await_blocked()
        conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    with pytest.raises(NotFound):
        rival.result()
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_sender_who_gave_up_leaves_no_gap() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    with holding(room):
        factories.say(ann, room)
        given: Json = {"sender_id": ben.pk, "conversation_id": room, "content": "x"}
        rival = Rival(messages.send_message, **given).await_blocked()
        transaction.set_rollback(True)
    assert rival.result().seq == 1


@pytest.mark.django_db(transaction=True)
def test_reading_while_the_reader_sends_never_moves_back() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    for _ in range(3):
        factories.say(ben, room)
    with holding(room):
        rival = Rival(
            messages.send_message, sender_id=ann.pk, conversation_id=room, content="x"
        ).await_blocked()
        participants.mark_read(user_id=ann.pk, conversation_id=room, seq=2)
    assert rival.result().seq == 4
    assert participants.mark_read(user_id=ann.pk, conversation_id=room, seq=3) == (4, 0)


@pytest.mark.django_db(transaction=True)
def test_two_agents_who_answer_first_at_once_tell_it_and_keep_one_time() -> None:
    customer, one, other = factories.person(), factories.agent(), factories.agent()
    room = factories.case(customer)
    for agent in (one, other):
        participants.mark_read(user_id=agent.pk, conversation_id=room, seq=0)
    with holding(room):
        rivals = [
            Rival(
                messages.send_message, sender_id=agent.pk, conversation_id=room, content="x"
            ).await_blocked()
            for agent in (one, other)
        ]
    first, _ = sorted((rival.result() for rival in rivals), key=lambda written: written.seq)
    shown = factories.view(customer, room)
    assert shown is not None
    assert shown["business"]["first_response_at"] == body(first)["sent_at"]
    require_order(room, last_seq=2, version=shown["version"])
