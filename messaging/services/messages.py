"""Saying, changing and taking back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from conversations import access, contents
from conversations.access import Access
from conversations.exceptions import Invalid, NotFound
from conversations.models import Conversation, Participant
from conversations.services import announce
from conversations.services.participants import seated
from messaging import events, policies
from messaging.access import get_any_message, lock_message
from messaging.models import Mention, Message, Reaction, Revision
from messaging.queries import writing
from messaging.records import Draft, Written
from messaging.services import pins, revisions
from messaging.services.attachments import remove_from, require_free
from messaging.services.storing import storable
from messaging.services.telling import as_written, tell


def send_message(
    *,
    sender_id: UUID,
    conversation_id: UUID,
    content: str,
    type: str = Message.Type.TEXT,
    metadata: Mapping[str, Any] | None = None,
    client_id: str | None = None,
    reply_to: int | None = None,
    mentions: Sequence[UUID] = (),
    attachments: Sequence[UUID] = (),
) -> Written:
    """Says something. A `client_id` that this sender used here before answers with the first message, `duplicate`.

    One statement, which is the transaction; a reply takes a second one, for the count of the message it answers.
    Raises NotFound, Invalid, Unauthenticated, SlowMode, or Forbidden where the other of a direct conversation has
    blocked them.
    """
    policies.require_sayable(type)
    draft = Draft(
        sender=sender_id,
        conversation=conversation_id,
        content=contents.seal(content, conversation=conversation_id, sender=sender_id, client_id=client_id),
        type=type,
        metadata=orjson.dumps(dict(metadata or {})).decode(),
        client_id=client_id,
        reply_to=reply_to,
        mentions=mentions,
        attachments=list(dict.fromkeys(attachments)),
    )
    written = _send(draft)
    if written is None:
        _explain(draft)
        written = _send(draft)
    if written is None:
        raise NotFound("No such conversation.")
    return written


def _send(draft: Draft) -> Written | None:
    """One try. A rival's win shows as IntegrityError: the message it wrote, or None where it removed the sender."""
    try:
        with storable(), _undoable(always=draft.reply_to is not None):
            written = writing.send_message(draft)
            if written and not written.duplicate:
                _tell_new(draft.conversation, written)
                if draft.reply_to is not None:
                    count_reply(draft.conversation, draft.reply_to, by=1)
            return written
    except IntegrityError:
        if draft.client_id is None:
            return None
        return writing.message_by_client_id(
            conversation=draft.conversation, sender=draft.sender, client_id=draft.client_id
        )


def _tell_new(conversation_id: UUID, written: Written) -> None:
    events.message_changed(conversation_id, written, name="message.created")
    if written.moved:
        announce.facts_changed(conversation_id, version=written.version + 1, business_id=written.business_id)


@contextmanager
def _undoable(*, always: bool) -> Iterator[None]:
    """A transaction where several statements belong together, a savepoint inside another; else none is needed."""
    if always or connection.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        yield


def _explain(draft: Draft) -> None:
    """Why nothing was written: raises, or seats an agent who answers a case for the first time."""
    access.require_active(draft.sender)
    found = access.get_conversation(user_id=draft.sender, conversation_id=draft.conversation, speaking=True)
    if draft.reply_to is not None:
        standing = Message.objects.filter(conversation=draft.conversation, deleted_at=None)
        if not standing.filter(seq=draft.reply_to).exists():
            raise Invalid.field("reply_to", "There is no such message to reply to.", code="unknown_message")
    require_free(owner_id=draft.sender, attachments=draft.attachments)
    if found.conversation.slow_mode_s and found.role == Participant.Role.MEMBER:
        _require_pause(found)
    if found.participant is None:
        seated(user_id=draft.sender, conversation_id=draft.conversation)


def _require_pause(found: Access) -> None:
    """That a member's last message is old enough. Raises SlowMode."""
    last = found.participant.last_sent_seq if found.participant else 0
    said = (
        Message.objects.filter(conversation=found.conversation, seq=last)
        .values_list("sent_at", flat=True)
        .first()
    )
    policies.require_pause(found.conversation, since=said, now=timezone.now())


def count_reply(conversation_id: UUID, seq: int, *, by: int) -> None:
    """Counts answers to a message that came or went. The caller holds the conversation's lock."""
    parent = writing.count_reply(conversation=conversation_id, seq=seq, by=by)
    events.message_changed(conversation_id, parent, name="message.updated")


def send_notice(
    *, conversation_id: UUID, actor_id: UUID | None, content: str, metadata: Mapping[str, Any]
) -> Written:
    """Has the thread say what happened. The caller has decided that it did."""
    written = writing.write_notice(
        conversation=conversation_id,
        actor=actor_id,
        content=contents.seal(content, conversation=conversation_id, sender=actor_id, client_id=None),
        metadata=orjson.dumps(dict(metadata)).decode(),
    )
    events.message_changed(conversation_id, written, name="message.created")
    return written


@storable()
@transaction.atomic
def edit_message(*, actor_id: UUID, conversation_id: UUID, seq: int, content: str) -> Written:
    """Puts other words in one's own message. The same words again change nothing."""
    found, message = lock_message(user_id=actor_id, conversation_id=conversation_id, seq=seq, speaking=True)
    policies.require_editable(message, actor_id=actor_id)
    if message.said == content:
        return as_written(conversation_id, seq, viewer=actor_id)
    if message.edited_at is not None:
        policies.require_few_edits(revisions.kept(message))
    now, version = timezone.now(), found.conversation.stamp()
    revisions.keep(message, version=version, at=now)
    message.say(content)
    message.edited_at, message.version = now, version
    message.save(update_fields=["content", "edited_at", "version"])
    return tell(conversation_id, seq, "message.updated", viewer=actor_id)


@transaction.atomic
def delete_message(*, actor_id: UUID, conversation_id: UUID, seq: int) -> Written:
    """Takes a message back: its place stays, its content goes. Again changes nothing."""
    found, message = lock_message(user_id=actor_id, conversation_id=conversation_id, seq=seq)
    policies.require_deletable(message, actor_id=actor_id, role=found.role)
    return _delete(found.conversation, message)


@transaction.atomic
def take_down_message(*, conversation_id: UUID, seq: int) -> Written:
    """What staff do to a message of others, in a conversation they need not take part in. Again changes nothing."""
    conversation = access.get_any_conversation(conversation_id, lock=True)
    return _delete(conversation, get_any_message(conversation_id, seq))


_EMPTIED = ("content", "metadata", "mentions", "reactions", "attachments")


def _delete(conversation: Conversation, message: Message) -> Written:
    if message.deleted_at is not None:
        return as_written(conversation.pk, message.seq, viewer=None)
    remove_from(message)
    message.content, message.metadata, message.mentions = "", {}, []
    message.reactions = message.attachments = None
    message.deleted_at, message.version = timezone.now(), conversation.stamp()
    message.save(update_fields=[*_EMPTIED, "deleted_at", "version"])
    Reaction.objects.filter(message=message).delete()
    Revision.objects.filter(message=message).delete()
    Mention.objects.filter(conversation=conversation, seq=message.seq).delete()
    written = tell(conversation.pk, message.seq, "message.deleted")
    pins.take_off(conversation, message.seq)
    if message.reply_to_seq is not None:
        count_reply(conversation.pk, message.reply_to_seq, by=-1)
    return written
