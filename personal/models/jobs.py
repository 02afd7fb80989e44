from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from messaging.sealing import SealedKey


class Job(models.Model):
    """An export or an erasure: asked for, being done by a worker, done.

    `turn` names the worker that is at it, until `busy_until`, or was at it last; then another one may take it. `result`
    says in numbers what came of it. An export's ZIP lies in the storage of attachments, under the turn that made it,
    until `kept_until`; encrypted as they are. `conversation_id` is no reference: what was exported outlives the
    conversation until it is purged itself.
    """

    class Kind(models.TextChoices):
        OWN_EXPORT = "own_export"
        CONVERSATION_EXPORT = "conversation_export"
        ERASURE = "erasure"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        EXPIRED = "expired"  # what was made is not kept any more

    class Why(models.TextChoices):
        """Why it failed."""

        NOT_ALLOWED = "not_allowed"  # who asked may not have it any more
        STORAGE = "storage_unavailable"
        BROKEN = "broken"  # on our side

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    conversation_id = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    why = models.CharField(max_length=20, choices=Why, blank=True)
    done = models.BigIntegerField(default=0)
    whole = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    turn = models.UUIDField(null=True, blank=True)
    busy_until = models.DateTimeField(default=timezone.now)
    result = models.JSONField(default=dict, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    key_name = models.CharField(max_length=32, null=True, blank=True)
    sealed_key = models.BinaryField(max_length=60, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    kept_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "personal_jobs"
        constraints = [
            # Asked for again while it is on its way, it is the same one.
            models.UniqueConstraint(
                fields=["asked_by", "kind", "conversation_id"],
                condition=Q(state__in=["queued", "running"], subject=None),
                nulls_distinct=False,
                name="personal_jobs_one_export",
            ),
            models.UniqueConstraint(
                fields=["subject"],
                condition=Q(state__in=["queued", "running"], subject__isnull=False),
                name="personal_jobs_one_erasure",
            ),
            models.CheckConstraint(
                condition=Q(kind="own_export", subject=None, conversation_id=None)
                | Q(kind="conversation_export", subject=None, conversation_id__isnull=False)
                | Q(kind="erasure", subject__isnull=False, conversation_id=None),
                name="personal_jobs_kind",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], ended_at=None)
                | Q(state__in=["done", "failed", "expired"], ended_at__isnull=False),
                name="personal_jobs_ended_has_time",
            ),
            models.CheckConstraint(
                condition=Q(key_name=None, sealed_key=None)
                | Q(key_name__isnull=False, sealed_key__isnull=False),
                name="personal_jobs_key_has_name",
            ),
        ]
        indexes = [
            # What a worker takes next.
            models.Index(
                fields=["created_at"], name="personal_jobs_due", condition=Q(state__in=["queued", "running"])
            ),
            # How many exports somebody had made lately; their own, when they are erased.
            models.Index("asked_by", F("created_at").desc(), name="personal_jobs_asked_by"),
            # Everything that was done about somebody's erasure.
            models.Index(
                fields=["subject"], name="personal_jobs_subject", condition=Q(subject__isnull=False)
            ),
            # Exports of a conversation in which somebody was who is erased.
            models.Index(
                fields=["conversation_id"],
                name="personal_jobs_conversation",
                condition=Q(conversation_id__isnull=False),
            ),
            # The purge.
            models.Index(fields=["ended_at"], name="personal_jobs_ended", condition=Q(subject=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}, {self.state}"

    @property
    def progress(self) -> int:
        """How much of it is done, in per cent; all of it only once it is at its end."""
        if self.state in (self.State.DONE, self.State.EXPIRED):
            return 100
        return min(99, self.done * 100 // self.whole) if self.whole else 0

    @property
    def fetchable(self) -> bool:
        """Whether there is something to be had."""
        kept: Any = self.kept_until
        return self.state == self.State.DONE and (kept is None or kept > timezone.now())

    @property
    def stored_as(self) -> UUID:
        """What its file is called: each turn has its own."""
        return self.turn or self.pk

    @property
    def kept_key(self) -> SealedKey | None:
        """The key of an encrypted export, as it is kept."""
        if self.key_name is None or self.sealed_key is None:
            return None
        return SealedKey(self.key_name, bytes(self.sealed_key))


ACTIVE = (Job.State.QUEUED, Job.State.RUNNING)
