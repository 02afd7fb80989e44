"""Who is named in a message, and how that is counted."""

import pytest

from conversations.models import User
from conversations.services import participants
from messaging.models import Mention
from messaging.services import messages
from tests import factories
from tests.factories import body

pytestmark = pytest.mark.django_db


def _mentioned(*users: User) -> list[str]:
    return sorted(str(user.pk) for user in users)


def test_only_those_who_take_part_are_mentioned() -> None:
    ann, ben, eve = factories.persons(3)
    room = factories.direct(ann, ben)
    said = factories.say(ann, room, mentions=[ben.pk, eve.pk])
    assert body(said)["mentions"] == _mentioned(ben)


def test_nobody_mentions_themselves() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    said = factories.say(ann, room, mentions=[ann.pk])
    participants.mark_unread_from(user_id=ann.pk, conversation_id=room, seq=1)
    shown = factories.view(ann, room)
    assert body(said)["mentions"] == []
    assert shown is not None
    assert shown["mention_count"] == 0


def test_a_mention_twice_counts_once() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room, mentions=[ben.pk, ben.pk])
    assert Mention.objects.filter(user=ben).count() == 1


def test_a_deleted_message_takes_its_mentions_along() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room, mentions=[ben.pk])
    gone = messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    assert not Mention.objects.exists()
    assert body(gone)["mentions"] == []


def test_a_mention_counts_until_it_is_read() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room, mentions=[ben.pk])
    factories.say(ann, room)
    assert [one["mention_count"] for one in factories.inbox_of(ben)] == [1]
    participants.mark_read(user_id=ben.pk, conversation_id=room, seq=1)
    assert [one["mention_count"] for one in factories.inbox_of(ben)] == [0]


def test_somebody_brought_in_later_has_no_old_mentions() -> None:
    ann, ben, cat = factories.persons(3)
    room = factories.group(ann, ben, cat)
    factories.say(ann, room, mentions=[cat.pk])
    participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=cat.pk)
    participants.add_participants(actor_id=ann.pk, conversation_id=room, user_ids=[cat.pk])
    assert [one["mention_count"] for one in factories.inbox_of(cat)] == [0]
