"""Celery wrappers of this app's jobs."""

import logging
import time
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from webhooks.jobs import delivering, purging, spreading
from webhooks.models import Webhook
from webhooks.queries import sending

logger = logging.getLogger(__name__)


@shared_task(name="webhooks.tasks.round", soft_time_limit=50, time_limit=60)
def round_() -> None:
    """Every few seconds: what happened becomes deliveries, and workers send what is due. One statement where there are
    no webhooks."""
    if _spread(thorough=False, within_s=20):
        _send()


@shared_task(name="webhooks.tasks.hourly", soft_time_limit=1_200, time_limit=1_260)
def hourly() -> None:
    """Every hour: looks at every conversation, for what was committed long after it was stamped; lets old ones go."""
    _spread(thorough=True, within_s=600)
    purging.purge(now=timezone.now())


@shared_task(name="webhooks.tasks.deliver", soft_time_limit=45, time_limit=50)
def deliver(webhook_id: str) -> None:
    """What is due for one webhook."""
    delivering.deliver(UUID(webhook_id))


def _spread(*, thorough: bool, within_s: float) -> bool:
    """Whether there are any webhooks. Those that heard least lately come first, and one that cannot be served keeps
    nobody else from hearing."""
    until = time.monotonic() + within_s
    active = list(Webhook.objects.filter(disabled_at=None).order_by("looked_at").values_list("pk", flat=True))
    for webhook_id in active:
        if time.monotonic() > until:
            break
        try:
            spreading.spread(webhook_id, thorough=thorough)
        except Exception:
            logger.exception("webhook %s could not be told", webhook_id)
    return bool(active)


def _send() -> None:
    """What no worker takes is asked for again by the next round."""
    for webhook_id in sending.due():
        try:
            deliver.apply_async((str(webhook_id),), expires=30)
        except OperationalError:
            logger.warning("no worker can be told of deliveries; the next round tries again")
            return
