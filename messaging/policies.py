"""Who may change what was said, decided from facts already at hand: no queries here."""

from uuid import UUID

from conversations.exceptions import Conflict, Forbidden, Invalid
from conversations.policies import MODERATORS
from messaging.models import Message


def require_sayable(type: str) -> None:
    """People do not speak as the system."""
    if type == Message.Type.SYSTEM or type not in Message.Type.values:
        raise Invalid.field("type", "No message of this type can be sent.", code="invalid_choice")


def require_editable(message: Message, *, actor_id: UUID) -> None:
    """Only its sender edits a message, and not after its deletion."""
    if message.sender_id != actor_id or message.type == Message.Type.SYSTEM:
        raise Forbidden("Only its sender may edit a message.")
    if message.deleted_at is not None:
        raise Conflict("This message was deleted.", code="message_deleted")


def require_deletable(message: Message, *, actor_id: UUID, role: str) -> None:
    """Its sender, an admin or the owner deletes a message; a notice, only the latter two."""
    if role in MODERATORS:
        return
    if message.sender_id != actor_id or message.type == Message.Type.SYSTEM:
        raise Forbidden("Only its sender, an admin or the owner may delete a message.")
