"""Who may change what was said, decided from facts already at hand: no queries here."""

import math
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from conversations.exceptions import Conflict, Forbidden, Invalid
from conversations.models import Conversation
from conversations.policies import MODERATORS, Role
from messaging import limits
from messaging.exceptions import SlowMode, UnsupportedType
from messaging.models import Message, Note

_SIGNS = '<>:"|?*'  # which one system or another does not take
_MOST_SUFFIX = 16


def require_sayable(type: str) -> None:
    """People do not speak as the system."""
    if type == Message.Type.SYSTEM or type not in Message.Type.values:
        raise Invalid.field("type", "No message of this type can be sent.", code="invalid_choice")


def require_pause(conversation: Conversation, *, since: datetime | None, now: datetime) -> None:
    """In slow mode a member waits after each message, also after one they took back."""
    if since is None or conversation.slow_mode_s is None:
        return
    left = since + timedelta(seconds=conversation.slow_mode_s) - now
    if left > timedelta():
        raise SlowMode(math.ceil(left.total_seconds()))


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


def require_mere_words(more: bool) -> None:
    """A note is text, without anything that hangs on a message."""
    if more:
        raise Invalid.field(
            "internal",
            "A note has content and a client_id: no type, metadata, reply_to, mentions or attachments.",
            code="not_in_a_note",
        )


def require_few_edits(kept: int) -> None:
    """Earlier words are evidence, so the oldest do not make room for new ones."""
    if kept >= limits.MAX_EDITS:
        raise Conflict("This message was edited as often as one may: say it anew.", code="too_many_edits")


def require_note_editable(note: Note, *, actor_id: UUID) -> None:
    """Only who wrote it edits a note, and not after its deletion."""
    if note.sender_id != actor_id:
        raise Forbidden("Only who wrote it may edit a note.")
    if note.deleted_at is not None:
        raise Conflict("This note was deleted.", code="note_deleted")


def require_note_deletable(note: Note, *, actor_id: UUID, owns: bool) -> None:
    """Who wrote it, or an owner of the business."""
    if note.sender_id != actor_id and not owns:
        raise Forbidden("Only who wrote it or an owner of the business may delete a note.")


def require_history(*, moderates: bool) -> None:
    """What somebody put other words for is between them and those who keep order."""
    if not moderates:
        raise Forbidden("Only an admin, the owner, an agent or staff may read what was edited.")


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


def require_taken(content_type: str, *, taken: Collection[str]) -> None:
    """`taken` are content types, or `image/*` for all of a kind; none means any."""
    kind = content_type.partition("/")[0]
    if taken and content_type not in taken and f"{kind}/*" not in taken:
        raise UnsupportedType(f"This is {content_type}; taken are {', '.join(taken)}.")


def file_name(given: str) -> str:
    """A name that is safe to show and to save under: one line, no folders, nothing that turns the text around.

    Of one that is too long the middle goes, so that what it ends in stays.
    """
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter if letter.isprintable() else " " for letter in last if letter not in _SIGNS)
    name = " ".join(shown.split()).strip(". ")
    end = PurePosixPath(name).suffix[:_MOST_SUFFIX]
    most = limits.MAX_FILE_NAME
    return (name if len(name) <= most else name[: most - len(end)] + end) or "file"


def require_reportable(message: Message, *, reporter_id: UUID) -> None:
    """What others said, while it stands."""
    if message.sender_id == reporter_id:
        raise Conflict("This is your own message: take it back.", code="own_message")
    if message.deleted_at is not None:
        raise Conflict("This message was deleted.", code="message_deleted")


def require_pinner(conversation: Conversation, role: str) -> None:
    """Admins and owners of a group, agents of a case, and each of the two of a direct conversation."""
    if role == Role.CUSTOMER or (role == Role.MEMBER and conversation.type == Conversation.Type.GROUP):
        raise Forbidden("Only an admin, the owner or an agent may pin messages.")


def require_pinnable(message: Message, *, pins: Sequence[int]) -> None:
    """What stands, up to a number."""
    if message.deleted_at is not None:
        raise Conflict("This message was deleted.", code="message_deleted")
    if len(pins) >= limits.MAX_PINS:
        raise Conflict("No more messages can be pinned here: take another off first.", code="too_many_pins")


def tally(reactions: Sequence[dict[str, Any]], emoji: str, *, by: int) -> list[dict[str, Any]]:
    """The `[{emoji, count}]` of a message after one more, or one less. What nobody is left with goes."""
    counts = {one["emoji"]: one["count"] for one in reactions}
    counts[emoji] = counts.get(emoji, 0) + by
    return [{"emoji": one, "count": count} for one, count in counts.items() if count > 0]
