"""Who may change what was said, decided from facts already at hand: no queries here."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from conversations.exceptions import Conflict, Forbidden, Invalid
from conversations.policies import MODERATORS
from messaging import limits
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


def require_reactable(message: Message, *, mine: Sequence[str], emoji: str) -> None:
    """Anybody in the conversation reacts to what stands, with so many emojis; `mine` are the person's own by now."""
    if message.deleted_at is not None:
        raise Conflict("This message was deleted.", code="message_deleted")
    there = {one["emoji"] for one in message.reactions or ()}
    if emoji in mine:
        return
    if len(mine) >= limits.MAX_OWN_REACTIONS:
        raise Conflict("Nobody puts more reactions under one message.", code="too_many_reactions")
    if emoji not in there and len(there) >= limits.MAX_REACTIONS:
        raise Conflict("There are no more kinds of reactions under one message.", code="too_many_reactions")


def tally(reactions: Sequence[dict[str, Any]], emoji: str, *, by: int) -> list[dict[str, Any]]:
    """The `[{emoji, count}]` of a message after one more, or one less. What nobody is left with goes."""
    counts = {one["emoji"]: one["count"] for one in reactions}
    counts[emoji] = counts.get(emoji, 0) + by
    return [{"emoji": one, "count": count} for one, count in counts.items() if count > 0]
