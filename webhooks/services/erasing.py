"""What is left of a person in webhooks when they are erased: docs/reference/erasure.md."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.services.erasing import Noted
from webhooks.models import Webhook
from webhooks.queries import erasing as queries


def disown_webhooks(*, user_id: UUID, noted: Noted) -> None:
    """What heard what they might hear hears nothing more, until somebody else switches it on."""
    with transaction.atomic():
        owned = Webhook.objects.filter(owner=user_id)
        owned.filter(disabled_at=None).update(
            disabled_at=timezone.now(), disabled_why=Webhook.Why.NOT_ALLOWED
        )
        noted("webhooks", owned.update(owner=None))


def erase_deliveries(*, user_id: UUID, noted: Noted) -> None:
    """What was sent and what waits, a thousand a transaction: their messages go, elsewhere their name does.

    One that had both changed counts twice.
    """
    after = 0
    while (until := queries.until(after)) is not None:
        with transaction.atomic():
            changes = (queries.forget_messages, queries.rename, queries.unname)
            noted("deliveries", sum(change(user_id, after=after, until=until) for change in changes))
        after = until
