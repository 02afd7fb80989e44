"""Many messages at once: all or nothing, once, the same by either way in."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.exceptions import Invalid, NotFound
from conversations.models import Conversation, User
from conversations.services import conversations, participants
from messaging import terms
from messaging.models import Message
from messaging.services import bulk, search
from messaging.services.bulk import Line
from messaging.services.search import Wanted
from tests import factories
from tests.oracle import require_order
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db

THEN = datetime.fromisoformat("2020-02-29T12:00:00.123456+00:00")


def _lines(users: list[User], number: int) -> list[Line]:
    return [
        Line(users[place % len(users)].pk, f"«{place}»\t\\N\n", THEN + timedelta(seconds=place), f"l{place}")
        for place in range(number)
    ]


def test_a_batch_is_what_sending_one_by_one_would_be() -> None:
    users = factories.persons(2)
    rooms = [factories.group(*users), factories.group(*users)]
    lines = _lines(users, 45)
    bulk.add_batch(conversation_id=rooms[0], lines=lines)
    for line, sender in zip(lines, users * 23, strict=False):
        factories.say(sender, rooms[1], line.content, client_id=line.client_id)
    own = {"conversation": None, "sent_at": None}
    batch, single = ([{**one, **own} for one in factories.said(users[0], room)] for room in rooms)
    assert len(batch) == 45
    assert batch == single
    found = [search.find_messages(Wanted(viewer=users[0].pk, terms=terms.read("«44»"), limit=9)).hits]
    assert sorted(hit.conversation for hit in found[0]) == sorted(rooms)


def test_lines_take_the_next_places_in_their_order() -> None:
    users = factories.persons(2)
    room = factories.group(*users)
    factories.say(users[0], room)
    added = bulk.add_batch(conversation_id=room, lines=_lines(users, 3))
    assert added.seqs == {(users[0].pk, "l0"): 2, (users[1].pk, "l1"): 3, (users[0].pk, "l2"): 4}
    require_order(room, last_seq=4, version=5)
    assert factories.said(users[0], room)[1]["sent_at"] == "2020-02-29T12:00:00.123456Z"


def test_counters_follow_and_activity_never_moves_back() -> None:
    users = factories.persons(2)
    room = factories.group(*users)
    before = Conversation.objects.get(pk=room)
    bulk.add_batch(conversation_id=room, lines=_lines(users, 3))
    after = Conversation.objects.select_related("last_message").get(pk=room)
    assert (after.last_seq, after.version) == (3, before.version + 3)
    assert after.last_message is not None
    assert after.last_message.seq == 3
    assert after.last_activity_at == before.last_activity_at
    assert [factories.seat(user, room).last_sent_seq for user in users] == [3, 2]


@pytest.mark.parametrize("at_once", [2, 1_000])
def test_the_same_lines_again_add_nothing(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", at_once)
    users = factories.persons(2)
    room = factories.group(*users)
    first = bulk.add_batch(conversation_id=room, lines=_lines(users, 5))
    again = bulk.add_batch(conversation_id=room, lines=_lines(users, 7))
    assert (first.inserted, first.duplicates) == (5, 0)
    assert (again.inserted, again.duplicates) == (2, 5)
    assert {key: again.seqs[key] for key in first.seqs} == first.seqs
    require_order(room, last_seq=7, version=8)


def test_of_the_same_client_id_twice_the_first_stands() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    lines = [Line(ann.pk, text, THEN, "1") for text in ("first", "second")]
    added = bulk.add_batch(conversation_id=room, lines=[*lines, Line(ben.pk, "third", THEN, "1")])
    assert (added.inserted, added.duplicates) == (2, 1)
    assert [one["content"] for one in factories.said(ann, room)] == ["first", "third"]


def test_what_was_sent_one_by_one_is_known() -> None:
    ann = factories.person()
    room = factories.group(ann)
    factories.say(ann, room, "sent", client_id="l0")
    added = bulk.add_batch(conversation_id=room, lines=_lines([ann], 1))
    assert (added.inserted, added.seqs) == (0, {(ann.pk, "l0"): 1})


def test_one_stranger_keeps_the_whole_batch_out() -> None:
    ann, stranger, gone = factories.persons(3)
    room = factories.group(ann, gone)
    participants.leave(user_id=gone.pk, conversation_id=room)
    lines = [*_lines([ann], 3), Line(stranger.pk, "x", THEN, "1"), Line(gone.pk, "x", THEN, "2")]
    with pytest.raises(Invalid) as refused:
        bulk.add_batch(conversation_id=room, lines=[*lines, Line(None, "x", THEN, "3")])
    assert [error["field"] for error in refused.value.errors or []] == [
        f"messages.{place}.sender_id" for place in (3, 4, 5)
    ]
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_line_that_cannot_be_stored_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 100)
    ann = factories.person()
    room = factories.group(ann)
    with pytest.raises(Invalid):
        bulk.add_batch(conversation_id=room, lines=[*_lines([ann], 150), Line(ann.pk, "\0", THEN, "x")])
    assert not Message.objects.exists()
    assert Conversation.objects.get(pk=room).last_seq == 0


def test_nothing_is_added_to_a_conversation_that_is_gone() -> None:
    ann = factories.person()
    room = factories.group(ann)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    with pytest.raises(NotFound):
        bulk.add_batch(conversation_id=room, lines=_lines([ann], 1))


def test_an_empty_batch_changes_nothing() -> None:
    ann = factories.person()
    room = factories.group(ann)
    assert bulk.add_batch(conversation_id=room, lines=[]) == ({}, 0, 0, [])
    assert Conversation.objects.get(pk=room).version == 1


def test_a_newer_line_moves_the_activity() -> None:
    ann = factories.person()
    room = factories.group(ann)
    now = timezone.now()
    bulk.add_batch(conversation_id=room, lines=[Line(ann.pk, "x", now, "1"), Line(ann.pk, "y", THEN, "2")])
    assert Conversation.objects.get(pk=room).last_activity_at == now


def test_a_batch_is_four_statements_whatever_its_size(django_assert_num_queries: Any) -> None:
    """The lock, the seats, what is there already, and the writing; a savepoint around them."""
    ann = factories.person()
    room = factories.group(ann)
    for number in (1, 400):
        with django_assert_num_queries(6):
            bulk.add_batch(conversation_id=room, lines=_lines([ann], number))


def test_notices_from_nobody_are_known_again() -> None:
    room = Conversation.objects.get(pk=factories.group(factories.person()))
    lines = [Line(None, f"notice {number}", THEN, str(number), "system") for number in range(3)]
    assert bulk.append(room, lines).inserted == 3
    again = bulk.append(room, lines)
    assert (again.inserted, again.duplicates) == (0, 3)
    assert again.seqs == {(None, "0"): 1, (None, "1"): 2, (None, "2"): 3}


@pytest.mark.django_db(transaction=True)
def test_a_message_sent_during_a_batch_comes_after_it() -> None:
    ann = factories.person()
    room = factories.group(ann)
    with holding(room):
        rival = Rival(factories.say, sender=ann, conversation=room).await_blocked()
        bulk.add_batch(conversation_id=room, lines=_lines([ann], 3))
    assert rival.result().seq == 4
    require_order(room, last_seq=4, version=5)
