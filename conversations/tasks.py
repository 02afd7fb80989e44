"""Celery wrappers of this app's jobs."""

from celery import shared_task
from django.utils import timezone

from conversations import jobs


@shared_task(name="conversations.tasks.purge_expired", time_limit=600)
def purge_expired() -> int:
    """Hourly: tickets and refresh tokens past their time."""
    return jobs.purge_expired(now=timezone.now())
