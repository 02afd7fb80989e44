from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from webhooks.models.webhooks import Webhook


class WebhookDelivery(models.Model):
    """One event for one webhook. `key` is its name outside, the same in each attempt; `id` is its place in the order.

    `conversation_id` is no reference: what was delivered outlives the conversation until it is purged itself.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"
        WITHDRAWN = "withdrawn"  # its message was taken back before it was sent

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField(default=uuid7, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    conversation_id = models.UUIDField()
    event = models.CharField(max_length=32)
    version = models.BigIntegerField()
    seq = models.BigIntegerField(null=True, blank=True)
    payload = models.TextField()
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    status = models.IntegerField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "webhook_deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="pending", settled_at__isnull=True)
                | (~Q(state="pending") & Q(settled_at__isnull=False)),
                name="webhook_deliveries_settled_has_time",
            ),
        ]
        indexes = [
            # GET /webhooks/{id}/deliveries, newest first.
            models.Index("webhook", F("id").desc(), name="webhook_deliveries_newest"),
            # What told of a message, once it is taken back.
            models.Index(
                fields=["webhook", "conversation_id", "seq"],
                name="webhook_deliveries_message",
                condition=Q(seq__isnull=False),
            ),
            # What to send next: the oldest of each conversation. How many wait.
            models.Index(
                fields=["webhook", "conversation_id", "id"],
                name="webhook_deliveries_pending",
                condition=Q(state="pending"),
            ),
            # The purge of what is settled.
            models.Index(
                fields=["settled_at"],
                name="webhook_deliveries_settled",
                condition=Q(settled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} for {self.webhook_id}, {self.state}"
