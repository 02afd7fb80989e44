"""Who is in a group, in which role, and what happens when two decide at once."""

from typing import Any
from uuid import UUID

import pytest

from conversations.exceptions import ChatError, Conflict, Forbidden, Invalid, NotFound
from conversations.models import Conversation, Participant, User
from conversations.services import conversations, participants
from tests import factories
from tests.factories import Json
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db


def _crew() -> tuple[User, User, User, UUID]:
    """An owner, an admin and a member of one group."""
    owner, admin, member = factories.persons(3)
    room = factories.group(owner, admin, member)
    participants.set_role(actor_id=owner.pk, conversation_id=room, user_id=admin.pk, role="admin")
    return owner, admin, member, room


def _version(room: UUID) -> int:
    return Conversation.objects.get(pk=room).version


def test_the_creator_owns_a_group_however_they_name_its_members() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben, ann, ben)
    assert factories.roles(room) == {ann.pk: "owner", ben.pk: "member"}
    assert Conversation.objects.get(pk=room).participant_count == 2


def test_a_group_with_somebody_unknown_is_not_made() -> None:
    ann, gone = factories.person(), factories.person(is_active=False)
    for stranger in (gone.pk, factories.unsaved(1)):
        with pytest.raises(Invalid):
            conversations.create_group(creator_id=ann.pk, participant_ids=[stranger])
    assert not Conversation.objects.exists()


def test_those_already_in_keep_role_and_read_position() -> None:
    owner, admin, member, room = _crew()
    before = _version(room)
    wanted = [admin.pk, member.pk, admin.pk]
    done = participants.add_participants(actor_id=owner.pk, conversation_id=room, user_ids=wanted)
    assert done == [admin.pk, member.pk]
    assert factories.roles(room)[admin.pk] == "admin"
    assert _version(room) == before


def test_one_unknown_person_keeps_everybody_out() -> None:
    owner, _, _, room = _crew()
    known = factories.person()
    with pytest.raises(Invalid):
        participants.add_participants(
            actor_id=owner.pk, conversation_id=room, user_ids=[known.pk, factories.unsaved(1)]
        )
    assert known.pk not in factories.roles(room)


def test_coming_back_takes_the_old_row_and_counts_what_was_missed_as_read() -> None:
    owner, _, member, room = _crew()
    row = factories.seat(member, room).pk
    participants.remove_participant(actor_id=owner.pk, conversation_id=room, user_id=member.pk)
    factories.say(owner, room)
    participants.add_participants(actor_id=owner.pk, conversation_id=room, user_ids=[member.pk])
    seat = factories.seat(member, room)
    assert (seat.pk, seat.left_at, seat.last_read_seq) == (row, None, 1)
    assert seat.joined_version == seat.version == _version(room)


def test_participant_count_follows() -> None:
    owner, admin, member, room = _crew()
    new = factories.person()
    participants.add_participants(actor_id=owner.pk, conversation_id=room, user_ids=[new.pk])
    participants.remove_participant(actor_id=admin.pk, conversation_id=room, user_id=member.pk)
    participants.leave(user_id=new.pk, conversation_id=room)
    assert Conversation.objects.get(pk=room).participant_count == 2


def test_what_one_is_not_allowed_changes_nothing() -> None:
    owner, admin, member, room = _crew()
    outsider, before = factories.person(), factories.roles(room)
    refused: list[tuple[Any, User, Json, type[ChatError]]] = [
        (participants.add_participants, member, {"user_ids": [outsider.pk]}, Forbidden),
        (participants.add_participants, admin, {"user_ids": [outsider.pk], "role": "owner"}, Forbidden),
        (participants.remove_participant, member, {"user_id": admin.pk}, Forbidden),
        (participants.remove_participant, admin, {"user_id": owner.pk}, Forbidden),
        (participants.set_role, admin, {"user_id": member.pk, "role": "admin"}, Forbidden),
        (participants.set_role, admin, {"user_id": owner.pk, "role": "member"}, Forbidden),
        (participants.set_role, owner, {"user_id": member.pk, "role": "agent"}, Forbidden),
        (participants.set_role, owner, {"user_id": outsider.pk, "role": "member"}, NotFound),
        (participants.set_role, owner, {"user_id": owner.pk, "role": "member"}, Conflict),
        (participants.add_participants, outsider, {"user_ids": [outsider.pk]}, NotFound),
    ]
    version = _version(room)
    for action, actor, given, error in refused:
        with pytest.raises(error):
            action(actor_id=actor.pk, conversation_id=room, **given)
    assert (factories.roles(room), _version(room)) == (before, version)


def test_the_same_role_again_takes_no_version() -> None:
    owner, admin, _, room = _crew()
    version = _version(room)
    participants.set_role(actor_id=owner.pk, conversation_id=room, user_id=admin.pk, role="admin")
    assert _version(room) == version


def test_an_admin_may_step_down_but_not_pull_another_down() -> None:
    owner, admin, member, room = _crew()
    participants.set_role(actor_id=admin.pk, conversation_id=room, user_id=admin.pk, role="member")
    assert factories.roles(room)[admin.pk] == "member"
    with pytest.raises(Forbidden):
        participants.set_role(actor_id=member.pk, conversation_id=room, user_id=owner.pk, role="member")


def test_the_last_owner_hands_over_before_leaving() -> None:
    owner, admin, _, room = _crew()
    with pytest.raises(Conflict):
        participants.leave(user_id=owner.pk, conversation_id=room)
    participants.set_role(actor_id=owner.pk, conversation_id=room, user_id=admin.pk, role="owner")
    participants.leave(user_id=owner.pk, conversation_id=room)
    assert factories.roles(room)[admin.pk] == "owner"


def test_an_owner_alone_may_leave() -> None:
    ann = factories.person()
    room = factories.group(ann)
    participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ann.pk)
    assert Conversation.objects.get(pk=room).participant_count == 0


def test_leaving_twice_is_refused_the_second_time() -> None:
    _, _, member, room = _crew()
    participants.leave(user_id=member.pk, conversation_id=room)
    with pytest.raises(NotFound):
        participants.leave(user_id=member.pk, conversation_id=room)


def test_a_deleted_group_is_gone_for_everybody() -> None:
    owner, admin, member, room = _crew()
    with pytest.raises(Forbidden):
        conversations.delete_conversation(actor_id=admin.pk, conversation_id=room)
    conversations.delete_conversation(actor_id=owner.pk, conversation_id=room)
    assert factories.roles(room) == {}
    assert Conversation.objects.get(pk=room).participant_count == 0
    assert [factories.inbox_of(user) for user in (owner, admin, member)] == [[], [], []]


def test_a_name_given_again_changes_nothing() -> None:
    owner, _, _, room = _crew()
    conversations.update_conversation(actor_id=owner.pk, conversation_id=room, name="den")
    version = _version(room)
    conversations.update_conversation(actor_id=owner.pk, conversation_id=room, name="den", avatar_url=None)
    assert _version(room) == version


def test_own_settings_are_nobody_elses_business() -> None:
    owner, _, member, room = _crew()
    version = _version(room)
    with factories.heard() as envelopes:
        participants.update_membership(
            user_id=member.pk, conversation_id=room, pinned=True, archived=True, notify="none"
        )
    assert (envelopes, _version(room)) == ([], version)
    (shown,) = factories.inbox_of(member, archived=None)
    assert shown["membership"] | {"pinned": True, "archived": True, "notify": "none"} == shown["membership"]
    assert factories.inbox_of(owner, archived=True) == []


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_demote_each_other_leave_one() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="owner")
    with holding(room):
        given: Json = {"actor_id": ben.pk, "conversation_id": room, "user_id": ann.pk, "role": "member"}
        rival = Rival(participants.set_role, **given).await_blocked()
        participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="member")
    with pytest.raises(Forbidden):
        rival.result()
    assert factories.roles(room) == {ann.pk: "owner", ben.pk: "member"}


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_leave_one() -> None:
    ann, ben, cat = factories.persons(3)
    room = factories.group(ann, ben, cat)
    participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="owner")
    with holding(room):
        rival = Rival(participants.leave, user_id=ben.pk, conversation_id=room).await_blocked()
        participants.leave(user_id=ann.pk, conversation_id=room)
    with pytest.raises(Conflict):
        rival.result()
    assert factories.roles(room) == {ben.pk: "owner", cat.pk: "member"}


@pytest.mark.django_db(transaction=True)
def test_leaving_twice_at_once_counts_once() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    with holding(room):
        rival = Rival(participants.leave, user_id=ben.pk, conversation_id=room).await_blocked()
        participants.leave(user_id=ben.pk, conversation_id=room)
    with pytest.raises(NotFound):
        rival.result()
    assert Conversation.objects.get(pk=room).participant_count == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_person_at_once_make_one_seat() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann)
    given: Json = {"actor_id": ann.pk, "conversation_id": room, "user_ids": [ben.pk]}
    with holding(room):
        rival = Rival(participants.add_participants, **given).await_blocked()
        participants.add_participants(**given)
    rival.result()
    conversation = Conversation.objects.get(pk=room)
    assert (conversation.participant_count, conversation.version) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_somebody_removed_while_they_rename_the_group_does_not() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="admin")
    with holding(room):
        given: Json = {"actor_id": ben.pk, "conversation_id": room, "name": "mine"}
        rival = Rival(conversations.update_conversation, **given).await_blocked()
        participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ben.pk)
    with pytest.raises(ChatError):
        rival.result()
    assert Conversation.objects.get(pk=room).name == ""
    assert Participant.objects.live().count() == 1
