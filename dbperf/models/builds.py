"""Indexes that were built because somebody accepted the advice."""

from django.db import models


class BuiltIndex(models.Model):
    """An index as it was proposed, who accepted it, and what came of it. What its statement took before and takes since
    is of one call.

    `active` is true or null, and unique: there is one at a time.
    """

    id = models.BigAutoField(primary_key=True)
    schema = models.CharField(max_length=63)
    table = models.CharField(max_length=63)
    keys = models.JSONField()  # columns in order; those read downwards with a minus
    name = models.CharField(max_length=63)
    queryid = models.BigIntegerField()  # of the statement that it is for
    calls_before = models.BigIntegerField()
    ms_before = models.FloatField()
    blocks_before = models.FloatField()
    state = models.CharField(max_length=9, default="queued")  # queued, building, valid, cancelled, failed
    active = models.BooleanField(null=True, unique=True)
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    beat_at = models.DateTimeField()  # its process was alive
    built_at = models.DateTimeField(null=True)
    cancel_asked = models.BooleanField(default=False)
    progress = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    verdict = models.CharField(max_length=12, default="open")  # of verdicts.Verdict
    judged_at = models.DateTimeField(null=True)
    calls_after = models.BigIntegerField(default=0)
    ms_after = models.FloatField(default=0.0)
    blocks_after = models.FloatField(default=0.0)
    scans = models.BigIntegerField(default=0)  # of the index since

    class Meta:
        verbose_name = "built index"
        verbose_name_plural = "built indexes"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} {self.created_at:%Y-%m-%d %H:%M}"
