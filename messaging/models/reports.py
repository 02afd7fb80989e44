from django.conf import settings
from django.db import models
from django.db.models import F, Q

from messaging.models.messages import Message


class Report(models.Model):
    """Somebody finds that a message should not stand. Open until staff dismiss it or take the message down."""

    class Reason(models.TextChoices):
        SPAM = "spam"
        ABUSE = "abuse"
        ILLEGAL = "illegal"
        OTHER = "other"

    class Outcome(models.TextChoices):
        DISMISSED = "dismissed"
        TAKEN_DOWN = "taken_down"

    message = models.ForeignKey(Message, models.CASCADE, related_name="+", db_index=False)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=8, choices=Reason)
    note = models.CharField(max_length=1_000, blank=True)
    reported_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=10, choices=Outcome, null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "reports"
        constraints = [
            # Once a person; what else was said of a message that is taken down.
            models.UniqueConstraint(fields=["message", "reporter"], name="reports_unique"),
            models.CheckConstraint(
                condition=Q(outcome=None, closed_at=None) | Q(outcome__isnull=False, closed_at__isnull=False),
                name="reports_closed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["spam", "abuse", "illegal", "other"]), name="reports_reason"
            ),
        ]
        indexes = [
            # The queue in the admin, those who have waited longest first.
            models.Index(fields=["reported_at"], name="reports_open", condition=Q(closed_at=None)),
            # The admin: what was decided, the newest first.
            models.Index(F("closed_at").desc(), name="reports_closed", condition=Q(closed_at__isnull=False)),
            # Everything that somebody reported, in the admin; deleting or erasing an account.
            models.Index("reporter", F("reported_at").desc(), name="reports_reporter"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} of {self.message_id}"
