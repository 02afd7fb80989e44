"""Putting what was just said into the past: for demo data, whose story should not all be of this minute."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from conversations import access
from conversations.models import BusinessCase, Conversation, Participant
from conversations.services import announce
from messaging.models import Message
from messaging.queries import backdating


@transaction.atomic
def backdate(*, conversation_id: UUID, sent_at: Mapping[int, datetime]) -> Conversation:
    """Gives messages, named by seq, the times at which they were said, and the rest the times that follow from it.

    A durable change of each of them. Clients hear one event, after which they look for the versions they missed.
    """
    room = access.get_any_conversation(conversation_id, lock=True)
    backdating.move(conversation=conversation_id, after=room.version, sent_at=sent_at)
    room.version += len(sent_at)
    first, last = min(sent_at.values()), max(sent_at.values())
    Participant.objects.filter(conversation=room).update(joined_at=first)
    _backdate_case(room)
    room.stamp(facts=True, created_at=first, last_activity_at=last)
    announce.conversation_changed(room)
    return room


def _backdate_case(room: Conversation) -> None:
    case = BusinessCase.objects.filter(conversation=room).first()
    if case is None:
        return
    agents = Participant.objects.filter(conversation=room, role=Participant.Role.AGENT).values("user")
    said = Message.objects.filter(conversation=room).order_by("seq")
    answers = said.filter(sender__in=agents).exclude(type=Message.Type.SYSTEM)
    if case.first_response_at:
        case.first_response_at = answers.values_list("sent_at", flat=True).first()
    if case.resolved_at:
        notices = said.filter(type=Message.Type.SYSTEM)
        case.resolved_at = notices.values_list("sent_at", flat=True).last()
    case.save(update_fields=["first_response_at", "resolved_at"])
