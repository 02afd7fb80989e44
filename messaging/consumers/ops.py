"""What an op does: one small function each, run in a thread, returning the JSON of the ack's result."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from conversations.contents import opened
from conversations.services import participants
from messaging.frames import DeleteMessage, EditMessage, MarkRead, React, SendMessage
from messaging.services import messages, notes, reactions


def send(user_id: UUID, op: SendMessage) -> str:
    """The message or the note, and whether this `client_id` had said it before."""
    if op.internal:
        noted = notes.write_note(
            agent_id=user_id, conversation_id=op.conversation, content=op.content, client_id=op.client_id
        )
        return _said(noted.body, duplicate=noted.duplicate)
    written = messages.send_message(
        sender_id=user_id,
        conversation_id=op.conversation,
        content=op.content,
        type=op.type,
        metadata=op.metadata,
        client_id=op.client_id,
        reply_to=op.reply_to,
        mentions=op.mentions,
        attachments=op.attachments,
    )
    return _said(written.body, duplicate=written.duplicate)


def _said(body: str, *, duplicate: bool) -> str:
    return f'{opened(body)[:-1]},"duplicate":{"true" if duplicate else "false"}}}'


def edit(user_id: UUID, op: EditMessage) -> str:
    """The message as it now stands."""
    written = messages.edit_message(
        actor_id=user_id, conversation_id=op.conversation, seq=op.seq, content=op.content
    )
    return opened(written.reply)


def delete(user_id: UUID, op: DeleteMessage) -> str:
    """What is left of the message."""
    written = messages.delete_message(actor_id=user_id, conversation_id=op.conversation, seq=op.seq)
    return opened(written.body)


def react(user_id: UUID, op: React) -> str:
    """The message with its reactions."""
    written = reactions.react(
        actor_id=user_id, conversation_id=op.conversation, seq=op.seq, emoji=op.emoji, on=op.on
    )
    return opened(written.reply)


def read(user_id: UUID, op: MarkRead) -> str:
    """Where the read position now is, and what is left."""
    position = participants.mark_read(user_id=user_id, conversation_id=op.conversation, seq=op.seq)
    return f'{{"last_read_seq":{position.last_read_seq},"unread_count":{position.unread_count}}}'


# The ops that change something in PostgreSQL.
WRITES: dict[type, Callable[[UUID, Any], str]] = {
    SendMessage: send,
    EditMessage: edit,
    DeleteMessage: delete,
    React: react,
    MarkRead: read,
}
# Those of them that count as sends.
COUNTED = (SendMessage, EditMessage, DeleteMessage, React)
