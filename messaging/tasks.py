"""Celery wrappers of this app's jobs."""

import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from messaging.jobs import Gone, purge_deleted

ENOUGH_S = 3_600.0  # of one night; the next goes on


@shared_task(name="messaging.tasks.purge_deleted", time_limit=2 * 3_600)
def purge() -> dict[str, int]:
    """Nightly: what was deleted more than RETENTION_DAYS ago."""
    until, gone = time.monotonic() + ENOUGH_S, Gone()
    for some in purge_deleted(before=timezone.now() - timedelta(days=settings.RETENTION_DAYS)):
        gone += some
        if time.monotonic() > until:
            break
    return gone._asdict()
