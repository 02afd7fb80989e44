"""Celery wrappers of this app's jobs."""

import logging
from typing import Final

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from personal.jobs import purging, turns, working

logger = logging.getLogger(__name__)

ENOUGH_S: Final = 600.0  # then the next run goes on with the next job
LONGEST_S: Final = 3 * 3_600  # of one job


@shared_task(name="personal.tasks.work", soft_time_limit=LONGEST_S - 60, time_limit=LONGEST_S)
def work() -> int:
    """Exports and erasures that wait, one after the other. One that a dead worker had is taken over."""
    return working.work(within_s=ENOUGH_S)


@shared_task(name="personal.tasks.pulse", soft_time_limit=15, time_limit=20)
def pulse() -> None:
    """Every half minute: what nobody is at is asked for again."""
    if turns.due():
        ask()


@shared_task(name="personal.tasks.purge", soft_time_limit=2_940, time_limit=3_000)
def purge() -> int:
    """Hourly: exports past their time."""
    return purging.purge(now=timezone.now())


def ask() -> None:
    """Has a worker look at once. Where none can be told, the next pulse does."""
    try:
        work.apply_async(expires=60)
    except OperationalError:
        logger.warning("no worker can be told of a job; the next pulse tries again")
