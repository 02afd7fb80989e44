"""Changing and taking back what was said."""

from typing import Any
from uuid import UUID

import pytest

from conversations.exceptions import ChatError, Conflict, Forbidden, Invalid, NotFound
from conversations.models import Conversation, User
from conversations.services import participants
from messaging.models import Message
from messaging.services import messages
from tests import factories
from tests.factories import Json, body
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db


def _said() -> tuple[User, User, UUID]:
    """A member, the owner, and their group with one message of the member's."""
    owner, member = factories.persons(2)
    room = factories.group(owner, member)
    factories.say(member, room, "first", metadata={"a": 1}, client_id="1")
    return member, owner, room


def test_an_edit_puts_other_words_and_says_when() -> None:
    member, _, room = _said()
    before = factories.said(member, room)[0]
    after = body(messages.edit_message(actor_id=member.pk, conversation_id=room, seq=1, content="second"))
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"content", "edited_at", "version"}
    assert (after["content"], after["version"]) == ("second", 3)


def test_the_same_words_again_change_nothing() -> None:
    member, _, room = _said()
    again = messages.edit_message(actor_id=member.pk, conversation_id=room, seq=1, content="first")
    assert body(again)["edited_at"] is None
    assert Conversation.objects.get(pk=room).version == 2


def test_what_is_deleted_keeps_its_place_and_nothing_else() -> None:
    member, owner, room = _said()
    gone = body(messages.delete_message(actor_id=owner.pk, conversation_id=room, seq=1))
    assert (gone["content"], gone["metadata"], gone["seq"]) == ("", {}, 1)
    assert gone["deleted_at"] is not None
    assert factories.said(member, room) == [gone]


def test_deleting_again_changes_nothing() -> None:
    member, _, room = _said()
    given: Json = {"actor_id": member.pk, "conversation_id": room, "seq": 1}
    first, again = messages.delete_message(**given), messages.delete_message(**given)
    assert first == again


def test_refusals_change_nothing() -> None:
    member, owner, room = _said()
    outsider = factories.person()
    messages.send_notice(conversation_id=room, actor_id=member.pk, content="notice", metadata={})
    edit, delete = messages.edit_message, messages.delete_message
    refused: list[tuple[Any, User, Json, type[ChatError]]] = [
        (edit, owner, {"seq": 1, "content": "x"}, Forbidden),
        (edit, member, {"seq": 2, "content": "x"}, Forbidden),
        (delete, member, {"seq": 2}, Forbidden),
        (edit, member, {"seq": 9, "content": "x"}, NotFound),
        (edit, member, {"seq": 10**30, "content": "x"}, NotFound),
        (delete, member, {"seq": 9}, NotFound),
        (edit, outsider, {"seq": 1, "content": "x"}, NotFound),
        (delete, outsider, {"seq": 1}, NotFound),
        (edit, member, {"seq": 1, "content": "\0"}, Invalid),
    ]
    for action, actor, given, error in refused:
        with pytest.raises(error):
            action(actor_id=actor.pk, conversation_id=room, **given)
    assert Conversation.objects.get(pk=room).version == 3
    assert Message.objects.get(conversation=room, seq=1).content == "first"


def test_what_was_deleted_is_not_edited() -> None:
    member, _, room = _said()
    messages.delete_message(actor_id=member.pk, conversation_id=room, seq=1)
    with pytest.raises(Conflict):
        messages.edit_message(actor_id=member.pk, conversation_id=room, seq=1, content="back")


def test_who_left_neither_edits_nor_deletes() -> None:
    member, _, room = _said()
    participants.leave(user_id=member.pk, conversation_id=room)
    with pytest.raises(NotFound):
        messages.delete_message(actor_id=member.pk, conversation_id=room, seq=1)


def test_a_notice_is_deleted_by_the_owner() -> None:
    member, owner, room = _said()
    messages.send_notice(conversation_id=room, actor_id=member.pk, content="notice", metadata={})
    assert body(messages.delete_message(actor_id=owner.pk, conversation_id=room, seq=2))["deleted_at"]


@pytest.mark.django_db(transaction=True)
def test_an_edit_that_comes_after_the_deletion_is_refused() -> None:
    member, owner, room = _said()
    with holding(room):
        given: Json = {"actor_id": member.pk, "conversation_id": room, "seq": 1, "content": "back"}
        rival = Rival(messages.edit_message, **given).await_blocked()
        messages.delete_message(actor_id=owner.pk, conversation_id=room, seq=1)
    with pytest.raises(ChatError):
        rival.result()
    assert Message.objects.get(conversation=room, seq=1).content == ""


@pytest.mark.django_db(transaction=True)
def test_deleting_twice_at_once_takes_one_version_and_one_reply_off() -> None:
    member, owner, room = _said()
    factories.say(member, room, reply_to=1)
    with holding(room):
        given: Json = {"conversation_id": room, "seq": 2}
        rival = Rival(messages.delete_message, actor_id=member.pk, **given).await_blocked()
        messages.delete_message(actor_id=owner.pk, **given)
    rival.result()
    assert Message.objects.get(conversation=room, seq=1).reply_count == 0
    assert Conversation.objects.get(pk=room).version == 6
