from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from conversations.models.conversations import Conversation


class BusinessAgent(models.Model):
    """A person who answers for a business. Its owner may name and dismiss agents."""

    class Role(models.TextChoices):
        OWNER = "owner"
        AGENT = "agent"

    business_id = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="agencies")
    role = models.CharField(max_length=5, choices=Role, default=Role.AGENT)

    class Meta:
        db_table = "business_agents"
        constraints = [
            # Whether somebody answers for this business, on every access to its cases.
            models.UniqueConstraint(fields=["business_id", "user"], name="business_agents_unique_user"),
            models.CheckConstraint(condition=Q(role__in=["owner", "agent"]), name="business_agents_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.business_id}"


class BusinessCase(models.Model):
    """What a business conversation is about to its agents: where it stands and whose it is.

    It sleeps until `snoozed_until`, or until the customer says something: a message beyond `snoozed_seq`.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        PENDING = "pending"
        RESOLVED = "resolved"

    class Priority(models.TextChoices):
        LOW = "low"
        NORMAL = "normal"
        HIGH = "high"
        URGENT = "urgent"

    conversation = models.OneToOneField(Conversation, models.CASCADE, primary_key=True, related_name="case")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="cases"
    )
    priority = models.CharField(max_length=6, choices=Priority, default=Priority.NORMAL)
    labels = ArrayField(models.CharField(max_length=40), default=list, blank=True, size=20)
    first_response_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snoozed_seq = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "business_cases"
        indexes = [
            # The clock: which cases wake up.
            models.Index(
                fields=["snoozed_until"], name="cases_snoozed", condition=Q(snoozed_until__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["open", "pending", "resolved"]), name="cases_status"
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | (~Q(status="resolved") & Q(resolved_at__isnull=True)),
                name="cases_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=Q(snoozed_until=None, snoozed_seq=None)
                | (
                    Q(snoozed_until__isnull=False, snoozed_seq__isnull=False, snoozed_seq__gte=0)
                    & ~Q(status="resolved")
                ),
                name="cases_snoozed_is_open",
            ),
            models.CheckConstraint(
                condition=Q(priority__in=["low", "normal", "high", "urgent"]), name="cases_priority"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} case {self.conversation_id}"
