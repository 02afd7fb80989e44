"""Direct conversations: one for each two people, whoever asks and however often."""

import pytest
from django.db import transaction

from conversations.exceptions import Conflict, Forbidden, Invalid
from conversations.models import Conversation, Participant
from conversations.services import conversations, participants
from tests import factories
from tests.factories import Json
from tests.races import Rival

pytestmark = pytest.mark.django_db


def test_the_same_conversation_whichever_of_the_two_asks() -> None:
    ann, ben = factories.persons(2)
    first, created = conversations.open_direct(creator_id=ann.pk, peer_id=ben.pk)
    again, created_again = conversations.open_direct(creator_id=ben.pk, peer_id=ann.pk)
    assert (first.pk, created, created_again) == (again.pk, True, False)
    assert factories.roles(first.pk) == {ann.pk: "member", ben.pk: "member"}


def test_opening_again_tells_nobody() -> None:
    ann, ben = factories.persons(2)
    factories.direct(ann, ben)
    with factories.heard() as envelopes:
        factories.direct(ben, ann)
    assert envelopes == []


def test_nobody_talks_to_themselves() -> None:
    ann = factories.person()
    with pytest.raises(Invalid):
        conversations.open_direct(creator_id=ann.pk, peer_id=ann.pk)
    assert not Conversation.objects.exists()


def test_a_closed_account_cannot_be_spoken_to_anew() -> None:
    ann, gone = factories.person(), factories.person(is_active=False)
    with pytest.raises(Invalid) as refused:
        conversations.open_direct(creator_id=ann.pk, peer_id=gone.pk)
    assert refused.value.errors == [
        {"field": "participant_ids", "code": "unknown_user", "detail": f"No such user: {gone.pk}."}
    ]


def test_a_conversation_with_a_closed_account_stays_and_shows_its_peer() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ben, room, "bye")
    ben.is_active = False
    ben.save()
    (shown,) = factories.inbox_of(ann)
    assert shown["peer"]["id"] == str(ben.pk)
    assert factories.say(ann, room, "still here?").seq == 2


def test_it_cannot_be_left_renamed_deleted_or_extended() -> None:
    ann, ben, cat = factories.persons(3)
    room = factories.direct(ann, ben)
    given: Json = {"actor_id": ann.pk, "conversation_id": room}
    with pytest.raises(Conflict):
        participants.leave(user_id=ann.pk, conversation_id=room)
    with pytest.raises(Forbidden):
        conversations.update_conversation(**given, name="ours")
    with pytest.raises(Forbidden):
        conversations.delete_conversation(**given)
    with pytest.raises(Forbidden):
        participants.add_participants(**given, user_ids=[cat.pk])
    assert Conversation.objects.get(pk=room).version == 1
    assert factories.roles(room).keys() == {ann.pk, ben.pk}


@pytest.mark.django_db(transaction=True)
def test_two_who_open_it_at_once_get_one() -> None:
    ann, ben = factories.persons(2)
    with transaction.atomic():
        mine, created = conversations.open_direct(creator_id=ann.pk, peer_id=ben.pk)
        rival = Rival(conversations.open_direct, creator_id=ben.pk, peer_id=ann.pk).await_blocked()
    theirs, created_again = rival.result()
    assert (theirs.pk, created, created_again) == (mine.pk, True, False)
    assert Participant.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_second_makes_it_where_the_first_gave_up() -> None:
    ann, ben = factories.persons(2)
    with transaction.atomic():
        conversations.open_direct(creator_id=ann.pk, peer_id=ben.pk)
        rival = Rival(conversations.open_direct, creator_id=ben.pk, peer_id=ann.pk).await_blocked()
        transaction.set_rollback(True)
    conversation, created = rival.result()
    assert created
    assert factories.roles(conversation.pk).keys() == {ann.pk, ben.pk}
