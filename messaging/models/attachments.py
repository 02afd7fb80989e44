from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from messaging.models.messages import Message


class Attachment(models.Model):
    """A file that somebody uploaded. One message carries it, or none yet, or none any more (`removed_at`).

    What it is was decided when it came and never changes. Its bytes lie in the storage, under its id; encrypted by a
    key that is kept here, encrypted itself by the key of ENCRYPTION_KEYS that `key_name` says. Which files a message
    has, and in what order, stands on the message (`Message.attachments`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(
        Message, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=64)
    size = models.BigIntegerField()
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    thumbnail = models.BooleanField(default=False)
    key_name = models.CharField(max_length=32, null=True, blank=True)
    sealed_key = models.BinaryField(max_length=60, null=True, blank=True)
    uploaded_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "attachments"
        constraints = [
            # What was removed is on its way out: no message names it.
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(message=None), name="attachments_removed_is_free"
            ),
            models.CheckConstraint(
                condition=Q(key_name=None, sealed_key=None)
                | Q(key_name__isnull=False, sealed_key__isnull=False),
                name="attachments_key_has_name",
            ),
            models.CheckConstraint(condition=Q(size__gte=0), name="attachments_size"),
        ]
        indexes = [
            # How much somebody keeps here, before they upload more: the sum, out of the index alone.
            models.Index(fields=["owner"], include=["size"], name="attachments_owner"),
            # Deleting a message takes its files along.
            models.Index(fields=["message"], name="attachments_message"),
            # The purge: what no message carries, the oldest first.
            models.Index(fields=["uploaded_at"], name="attachments_free", condition=Q(message=None)),
        ]

    def __str__(self) -> str:
        return str(self.pk)
