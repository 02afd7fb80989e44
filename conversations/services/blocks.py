"""Not wanting to hear from somebody."""

from uuid import UUID

from django.db import transaction

from conversations import access
from conversations.exceptions import Conflict, Invalid
from conversations.models import Block, User

MAX_BLOCKS = 1_000


@transaction.atomic
def block(*, user_id: UUID, blocked_id: UUID) -> None:
    """From now on this person writes nothing to the direct conversation of the two. Again changes nothing.

    Raises NotFound, Invalid for oneself, Conflict where too many are blocked.
    """
    if user_id == blocked_id:
        raise Invalid.field("user_id", "Nobody blocks themselves.", code="self")
    access.get_user(blocked_id)
    User.objects.select_for_update(no_key=True).get(pk=user_id)  # of two at once, one counts after the other
    mine = Block.objects.filter(user=user_id)
    if mine.filter(blocked=blocked_id).exists():
        return
    if mine.count() >= MAX_BLOCKS:
        raise Conflict("No more people can be blocked: unblock another first.", code="too_many_blocks")
    Block.objects.create(user_id=user_id, blocked_id=blocked_id)


def unblock(*, user_id: UUID, blocked_id: UUID) -> None:
    """Hears from them again; what they tried to say meanwhile was refused. Again changes nothing."""
    Block.objects.filter(user=user_id, blocked=blocked_id).delete()
