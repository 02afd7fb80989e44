"""Pinning: which messages everybody in a conversation finds at once."""

from uuid import UUID

from django.db import transaction

from conversations.models import Conversation
from conversations.services import announce
from messaging import access, policies


@transaction.atomic
def pin(*, actor_id: UUID, conversation_id: UUID, seq: int, on: bool) -> None:
    """Pins a message, or takes its pin off. Again changes nothing.

    Raises NotFound, Forbidden, Conflict for a deleted message and where too many are pinned.
    """
    found, message = access.lock_message(
        user_id=actor_id, conversation_id=conversation_id, seq=seq, speaking=on
    )
    policies.require_pinner(found.conversation, found.role)
    there = found.conversation.pins or []
    if (seq in there) == on:
        return
    if on:
        policies.require_pinnable(message, pins=there)
    _keep(found.conversation, [*there, seq] if on else [one for one in there if one != seq])


def take_off(conversation: Conversation, *seqs: int) -> None:
    """What is deleted is not pinned any more. The caller holds the conversation's lock."""
    there = conversation.pins or []
    left = [one for one in there if one not in seqs]
    if left != there:
        _keep(conversation, left)


def _keep(conversation: Conversation, seqs: list[int]) -> None:
    conversation.stamp(facts=True, pins=seqs or None)
    announce.conversation_changed(conversation)
