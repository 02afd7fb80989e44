"""Reacting."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from conversations.exceptions import Invalid
from messaging import access, emojis, policies
from messaging.models import Message, Reaction
from messaging.records import Written
from messaging.services.telling import as_written, tell


@transaction.atomic
def react(*, actor_id: UUID, conversation_id: UUID, seq: int, emoji: str, on: bool) -> Written:
    """Puts an emoji under a message, or takes one's own back. Again changes nothing.

    Raises NotFound, Invalid for what is no emoji, Conflict for a deleted message and where there are too many.
    """
    spelled = emojis.spelled(emoji)
    if spelled is None:
        raise Invalid.field("emoji", "A single emoji is required.", code="not_an_emoji")
    found, message = access.lock_message(
        user_id=actor_id, conversation_id=conversation_id, seq=seq, speaking=on
    )
    mine = _emojis_of(actor_id, message)
    if on:
        policies.require_reactable(message, mine=mine, emoji=spelled)
    if (spelled in mine) == on:
        return as_written(conversation_id, seq, viewer=actor_id)
    mine = [*mine, spelled] if on else [one for one in mine if one != spelled]
    message.version = found.conversation.stamp()
    message.reactions = policies.tally(message.reactions or [], spelled, by=1 if on else -1) or None
    message.save(update_fields=["reactions", "version"])
    _keep(actor_id, message, mine)
    return tell(conversation_id, seq, "message.updated", viewer=actor_id, reacted=_told(actor_id, mine))


def _emojis_of(user_id: UUID, message: Message) -> Sequence[str]:
    """Uses index: reactions_unique_user."""
    held = Reaction.objects.filter(message=message, user=user_id).values_list("emojis", flat=True).first()
    return held or []


def _keep(user_id: UUID, message: Message, mine: Sequence[str]) -> None:
    """One statement; the conversation's lock keeps rivals away."""
    Reaction.objects.bulk_create(
        [Reaction(message=message, user_id=user_id, emojis=mine, version=message.version)],
        update_conflicts=True,
        unique_fields=["message", "user"],
        update_fields=["emojis", "version"],
    )


def _told(user_id: UUID, mine: Sequence[str]) -> str:
    one: dict[str, Any] = {"user": user_id, "emojis": mine}
    return orjson.dumps([one]).decode()
