"""Whose turn it is: each job is one worker's until it is done, or that worker has not been heard of for a while."""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from messaging import files
from messaging.sealing import SealedKey
from personal.exceptions import Lost
from personal.models import ACTIVE, Job

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=3)  # longer than anything that is done between two words
SLOWEST: Final = 1_000_000  # bytes a second of a storage
PAUSE: Final = timedelta(minutes=1)  # after an attempt that failed, longer each time
ATTEMPTS: Final = 5  # of an export; an erasure goes on from where it was, for as long as it gets on
AT_ONCE: Final = 2  # of all workers, who are more than that: the rest of what they do must not wait for these

State = Job.State


class Turn:
    """A job in the hands of this worker. Each word of it keeps the job ours, and raises Lost where it no longer is.

    `left` is under what a worker before may have left a file.
    """

    def __init__(self, job: Job, *, left: UUID | None = None) -> None:
        self.job, self.left = job, left
        self.counts: Counter[str] = Counter(job.result)

    def reached(self, done: int, whole: int) -> None:
        """How far it is."""
        self._write(done=done, whole=max(done, whole))

    def hold(self, *, size: int) -> None:
        """It is still being done: so many bytes are written next, which may take its time."""
        self._write(busy_until=timezone.now() + LEASE + timedelta(seconds=size / SLOWEST))

    def noted(self, kind: str, number: int) -> None:
        """Counts what an erasure did, in the transaction that did it. While it gets on, no attempt counts as failed."""
        counts = self.counts + Counter({kind: number})
        done, attempts = self.job.done + number, 1 if number else self.job.attempts
        self._write(result=counts, done=done, whole=max(done, self.job.whole), attempts=attempts)
        self.counts, self.job.done, self.job.attempts = counts, done, attempts

    def finish(self, *, result: Mapping[str, Any], **more: Any) -> None:
        """It is done, and this came of it."""
        self._write(state=State.DONE, why="", ended_at=timezone.now(), result=result, **more)

    def keep(self, *, size: int, key: SealedKey | None, result: Mapping[str, Any]) -> None:
        """The same for an export that lies in the storage."""
        name, sealed = key or (None, None)
        until = timezone.now() + timedelta(days=settings.EXPORT_KEEP_DAYS)
        self.finish(result=result, size=size, key_name=name, sealed_key=sealed, kept_until=until)

    def fail(self, why: str) -> None:
        """It cannot be done."""
        self._write(state=State.FAILED, why=why, ended_at=timezone.now())
        logger.warning("job %s (%s) failed: %s", self.job.pk, self.job.kind, why)

    def put_back(self, why: str) -> None:
        """It is tried again, after a while. What cannot be written now is found when our time is over."""
        again = timezone.now() + PAUSE * self.job.attempts
        self._write(state=State.QUEUED, why=why, busy_until=again)

    def _write(self, **changes: Any) -> None:
        ours = Job.objects.filter(pk=self.job.pk, turn=self.job.turn, state=State.RUNNING)
        if not ours.update(**{"busy_until": timezone.now() + LEASE, **changes}):
            raise Lost


def claim() -> Turn | None:
    """The next job, if there is one and not too many are being done. Erasures come first. What was tried too often has
    failed. Uses index: personal_jobs_due."""
    while (turn := _take()) is not None:
        if turn.job.attempts <= ATTEMPTS:
            return turn
        turn.fail(turn.job.why or Job.Why.BROKEN)
        clear(turn)
    return None


@transaction.atomic
def _take() -> Turn | None:
    """The advisory lock has workers count one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('personal jobs', 0))")
    now, open_ = timezone.now(), Job.objects.filter(state__in=ACTIVE)
    if open_.filter(state=State.RUNNING, busy_until__gt=now).count() >= AT_ONCE:
        return None
    due = open_.filter(busy_until__lte=now).select_for_update(skip_locked=True)
    erasures = due.filter(kind=Job.Kind.ERASURE)
    job = erasures.order_by("created_at").first() or due.order_by("created_at").first()
    if job is None:
        return None
    left, job.turn = job.turn, uuid4()
    job.state, job.attempts, job.busy_until = State.RUNNING, job.attempts + 1, now + LEASE
    job.save(update_fields=["state", "turn", "attempts", "busy_until"])
    return Turn(job, left=left)


def due() -> bool:
    """Whether something waits for a worker."""
    return Job.objects.filter(state__in=ACTIVE, busy_until__lte=timezone.now()).exists()


def clear(turn: Turn) -> None:
    """Removes what a worker left that died or was too slow. Raises StorageAway."""
    if turn.left is not None:
        files.drop_export(turn.left)


def drop(job: Job) -> None:
    """What was made is not kept any more. Raises StorageAway."""
    files.drop_export(job.stored_as)
    Job.objects.filter(pk=job.pk, state=State.DONE).update(
        state=State.EXPIRED, size=None, key_name=None, sealed_key=None
    )


def begin_anew(ids: list[UUID]) -> None:
    """Has exports that are being made made again: who is at one finds that it is not theirs any more."""
    Job.objects.filter(pk__in=ids, state=State.RUNNING).update(
        state=State.QUEUED, attempts=0, busy_until=timezone.now()
    )
