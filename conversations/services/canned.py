"""What a business's agents say often."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations import access
from conversations.exceptions import Conflict
from conversations.models import CannedReply

MAX_REPLIES = 1_000  # of a business


def add_reply(*, agent_id: UUID, business_id: str, shortcut: str, content: str) -> CannedReply:
    """Keeps a reply for all agents. Raises NotFound, Conflict where the shortcut is taken or there are too many."""
    access.get_agency(user_id=agent_id, business_id=business_id)
    if CannedReply.objects.filter(business_id=business_id).count() >= MAX_REPLIES:
        raise Conflict("No more replies can be kept: delete another first.", code="too_many_replies")
    reply = CannedReply(business_id=business_id, shortcut=shortcut, content=content)
    with _unique():
        reply.save(force_insert=True)
    return reply


@transaction.atomic
def change_reply(*, agent_id: UUID, business_id: str, reply_id: UUID, **changes: str) -> CannedReply:
    """Gives a reply other words or another shortcut. Raises NotFound, Conflict where the shortcut is taken."""
    reply = access.get_canned_reply(user_id=agent_id, business_id=business_id, reply_id=reply_id, lock=True)
    changes = {name: value for name, value in changes.items() if value != getattr(reply, name)}
    for name, value in changes.items():
        setattr(reply, name, value)
    if changes:
        reply.updated_at = timezone.now()
        with _unique():
            reply.save(update_fields=[*changes, "updated_at"])
    return reply


def delete_reply(*, agent_id: UUID, business_id: str, reply_id: UUID) -> None:
    """Forgets a reply. Raises NotFound."""
    access.get_canned_reply(user_id=agent_id, business_id=business_id, reply_id=reply_id).delete()


@contextmanager
def _unique() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Conflict("Another reply has this shortcut.", code="shortcut_taken") from error
