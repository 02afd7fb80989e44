"""Celery wrappers of what the clock asks for."""

import logging

from celery import shared_task
from django.utils import timezone

from dbperf import rotation

logger = logging.getLogger(__name__)

HOURS = 3600


@shared_task(name="dbperf.tasks.rotate_recent_indexes", soft_time_limit=6 * HOURS, time_limit=7 * HOURS)
def rotate_recent_indexes() -> list[str]:
    """Weekly: every window begins anew. A second one meanwhile, as after a lost connection to Redis, does nothing."""
    done = []
    for window in rotation.WINDOWS.values():
        try:
            turned = rotation.rotate(window, rotation.maintenance(), now=timezone.now(), tell=logger.info)
        except rotation.Busy:
            logger.warning("%s: another rotation is under way", window.name)
            continue
        done.append(f"{turned.window}: {turned.outcome}")
    return done
