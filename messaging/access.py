"""The way from an id of the outside to a message."""

from uuid import UUID

from conversations import access
from conversations.access import Access
from conversations.exceptions import NotFound
from messaging.models import Message


def lock_message(*, user_id: UUID, conversation_id: UUID, seq: int) -> tuple[Access, Message]:
    """A message of a conversation that this person may use, which is locked. Raises NotFound."""
    found = access.get_conversation(user_id=user_id, conversation_id=conversation_id, lock=True)
    return found, get_any_message(conversation_id, seq)


def get_any_message(conversation_id: UUID, seq: int) -> Message:
    """For those whose right to it is known. Raises NotFound. Uses index: messages_unique_seq."""
    message = Message.objects.filter(conversation=conversation_id, seq=seq).first()
    if message is None:
        raise NotFound("No such message.")
    return message
