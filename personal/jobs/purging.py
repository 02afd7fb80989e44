"""Letting go of exports, and of what they leave."""

from datetime import datetime, timedelta
from typing import Final

from conversations.models import LastSeen
from messaging import files
from personal.jobs import turns
from personal.models import Job
from personal.policies import ROWS_KEPT

State = Job.State
LATE: Final = timedelta(days=1)


def purge(*, now: datetime) -> int:
    """Exports past their time, then rows of those long over; how many exports went. Uses index: personal_jobs_ended."""
    exports = Job.objects.filter(subject=None)
    over = list(exports.filter(ended_at__isnull=False, state=State.DONE, kept_until__lt=now))
    for job in over:
        turns.drop(job)
    for job in exports.filter(state__in=[State.FAILED, State.EXPIRED], ended_at__lt=now - ROWS_KEPT):
        files.drop_export(job.stored_as)  # what an attempt may have left that broke off
        job.delete()
    _forget_late(now)
    return len(over)


def _forget_late(now: datetime) -> None:
    """The sockets of somebody who is being erased close while that goes on, and with the last they were here then."""
    erased = Job.objects.filter(subject__isnull=False, created_at__gt=now - LATE).values("subject")
    LastSeen.objects.filter(user__in=erased).delete()
