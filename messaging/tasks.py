"""Celery wrappers of this app's jobs."""

import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from messaging import jobs
from messaging.jobs import Gone, purge_deleted

ENOUGH_S = 3_600.0  # of one night; the next goes on


@shared_task(name="messaging.tasks.purge_deleted", soft_time_limit=7_140, time_limit=7_200)
def purge() -> dict[str, int]:
    """Nightly: what was deleted more than RETENTION_DAYS ago."""
    until, gone = time.monotonic() + ENOUGH_S, Gone()
    for some in purge_deleted(before=timezone.now() - timedelta(days=settings.RETENTION_DAYS)):
        gone += some
        if time.monotonic() > until:
            break
    return gone._asdict()


@shared_task(name="messaging.tasks.purge_attachments", soft_time_limit=2_940, time_limit=3_000)
def purge_attachments() -> int:
    """Hourly: files that were uploaded and never sent, and what is left of removed ones."""
    return jobs.purge_attachments()
