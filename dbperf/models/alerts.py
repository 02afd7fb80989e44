"""Faults that lasted, and the words that were sent of them."""

from uuid import uuid4

from django.db import models


class Alert(models.Model):
    """A fault by its finding's key, with where it stands (`dbperf.alerts.states`).

    `level` is empty while there is none. `told` is the level that word was sent of: the two differ while it is muted.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=300, unique=True)
    check_name = models.CharField(max_length=40)
    subject = models.CharField(max_length=250)
    detail = models.TextField()
    remedy = models.JSONField(default=dict)
    level = models.CharField(max_length=8, blank=True)
    run = models.SmallIntegerField(default=0)  # samples in a row above the level, or below it (negative)
    bound = models.CharField(max_length=8, blank=True)  # what all of these reached
    told = models.CharField(max_length=8, blank=True)
    turn = models.IntegerField(default=0)  # counts the words
    awake = models.BooleanField(default=True)  # the next sample may change something
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    muted_until = models.DateTimeField(null=True)
    muted_by = models.CharField(max_length=150, blank=True)
    mute_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        permissions = [
            ("view_metrics", "Can see alerts and weekly reports"),
            ("mute_alert", "Can mute alerts"),
        ]
        indexes = [
            models.Index(fields=["check_name"], condition=models.Q(awake=True), name="dbperf_alert_awake"),
            models.Index(fields=["-last_seen"], name="dbperf_alert_newest"),  # the page; retention
        ]

    def __str__(self) -> str:
        return self.detail


class AlertWord(models.Model):
    """One turn of an alert by one way: sent once, tried a few times. What it says is as of then."""

    id = models.BigAutoField(primary_key=True)
    alert = models.ForeignKey(
        Alert, models.CASCADE, related_name="words", db_index=False
    )  # the unique one does
    turn = models.IntegerField()
    by = models.CharField(max_length=8)  # mail or webhook
    delivery = models.UUIDField(default=uuid4)  # the same in each attempt: receivers tell by it
    said = models.JSONField()
    said_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["alert", "turn", "by"], name="dbperf_word_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at=None, failed_at=None),
                name="dbperf_word_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.turn} {self.by}"
