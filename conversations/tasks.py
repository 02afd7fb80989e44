"""Celery wrappers of this app's jobs."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from conversations import jobs


@shared_task(name="conversations.tasks.purge_expired", soft_time_limit=540, time_limit=600)
def purge_expired() -> int:
    """Hourly: tickets, refresh tokens, notices and audit entries past their time."""
    return jobs.purge_expired(now=timezone.now())


@shared_task(name="conversations.tasks.wake_cases", soft_time_limit=45, time_limit=55)
def wake_cases() -> int:
    """Every minute: cases that were put to sleep until now."""
    return jobs.wake_cases(now=timezone.now())


@shared_task(name="conversations.tasks.archive_quiet", soft_time_limit=7_140, time_limit=7_200)
def archive_quiet() -> int:
    """Nightly: conversations where nothing was said for ARCHIVE_AFTER_DAYS; with 0, none."""
    if not settings.ARCHIVE_AFTER_DAYS:
        return 0
    quiet = timezone.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    return jobs.archive_quiet(before=quiet, within_s=3_600)
