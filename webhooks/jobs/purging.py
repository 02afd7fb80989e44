"""Letting go of what was sent."""

from datetime import datetime, timedelta
from typing import Final

from webhooks.models import WebhookDelivery
from webhooks.queries import sending

KEPT: Final = timedelta(days=7)  # to be looked at and sent again
BATCH: Final = 1_000


def purge(*, now: datetime) -> int:
    """Deletes what is delivered or withdrawn since long, a batch a transaction. What failed waits for its owner, save
    the words of messages taken back.

    Uses index: webhook_deliveries_settled.
    """
    sending.forget()
    gone = 0
    while some := _batch(now - KEPT):
        gone += some
    return gone


def _batch(before: datetime) -> int:
    done = (WebhookDelivery.State.DELIVERED, WebhookDelivery.State.WITHDRAWN)
    settled = WebhookDelivery.objects.filter(settled_at__lt=before, state__in=done).order_by("settled_at")
    keys = list(settled.values_list("pk", flat=True)[:BATCH])
    return WebhookDelivery.objects.filter(pk__in=keys).delete()[0] if keys else 0
