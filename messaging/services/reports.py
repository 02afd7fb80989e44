"""Saying that a message should not stand, and deciding about it."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import access
from messaging import policies
from messaging.access import get_any_message
from messaging.models import Report
from messaging.services.messages import take_down_message
from messaging.services.storing import storable


@storable()
@transaction.atomic
def report(
    *, reporter_id: UUID, conversation_id: UUID, seq: int, reason: str, note: str = ""
) -> tuple[Report, bool]:
    """Puts a message into the staff's queue; returns the report, and whether it is new: once a person.

    Raises NotFound, Conflict for one's own message and for a deleted one.
    """
    access.get_conversation(user_id=reporter_id, conversation_id=conversation_id)
    message = get_any_message(conversation_id, seq)
    policies.require_reportable(message, reporter_id=reporter_id)
    return Report.objects.get_or_create(
        message=message, reporter_id=reporter_id, defaults={"reason": reason, "note": note}
    )


@transaction.atomic
def take_down(found: Report) -> None:
    """The message goes, and with it every open report of it."""
    message = found.message
    take_down_message(conversation_id=message.conversation_id, seq=message.seq)
    _close(Report.Outcome.TAKEN_DOWN, message=message)


def dismiss(found: Report) -> None:
    """The message stands; what others reported about it stays open."""
    _close(Report.Outcome.DISMISSED, pk=found.pk)


def _close(outcome: str, **which: object) -> None:
    """What was closed already keeps its outcome."""
    Report.objects.filter(closed_at=None, **which).update(outcome=outcome, closed_at=timezone.now())
