from typing import ClassVar, get_args

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from conversations.events import DurableEvent
from webhooks.querysets import WebhookQuerySet

EVENTS: tuple[str, ...] = get_args(DurableEvent)


class Webhook(models.Model):
    """An address that is told what happens: in the cases of one business, or, without one, in every conversation.

    It hears what `owner` may hear, who made it or was the last to switch it on. Both secrets are sealed; `old_secret`
    signs beside the new one until `old_until`.
    """

    class Why(models.TextChoices):
        """Why it is not called any more."""

        SWITCHED_OFF = "switched_off"
        GIVEN_UP = "given_up"
        GONE = "gone"
        NOT_ALLOWED = "not_allowed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    url = models.CharField(max_length=2_000)
    events = ArrayField(models.CharField(max_length=32), size=len(EVENTS))
    business_id = models.CharField(max_length=64, null=True, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    secret = models.TextField()
    old_secret = models.TextField(null=True, blank=True)
    old_until = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_why = models.CharField(max_length=16, choices=Why, null=True, blank=True)
    looked_at = models.DateTimeField(default=timezone.now)
    busy_until = models.DateTimeField(default=timezone.now)
    told_in = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Webhook"]] = WebhookQuerySet.as_manager()

    class Meta:
        db_table = "webhooks"
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_why__isnull=True)
                | Q(disabled_at__isnull=False, disabled_why__isnull=False),
                name="webhooks_disabled_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(old_secret__isnull=True, old_until__isnull=True)
                | Q(old_secret__isnull=False, old_until__isnull=False),
                name="webhooks_old_secret_has_end",
            ),
        ]
        indexes = [
            # GET /webhooks of a business's owner, and how many a business has.
            models.Index(fields=["business_id"], name="webhooks_business"),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    @property
    def active(self) -> bool:
        """Whether it is called."""
        return self.disabled_at is None
