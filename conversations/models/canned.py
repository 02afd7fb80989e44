from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class CannedReply(models.Model):
    """Words that a business's agents say often, and the shortcut they are found by."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    business_id = models.CharField(max_length=64)
    shortcut = models.CharField(max_length=40)
    content = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "canned_replies"
        constraints = [
            # GET /business/{id}/canned-replies, in its order; and that a shortcut means one thing.
            models.UniqueConstraint(
                fields=["business_id", "shortcut"], name="canned_replies_unique_shortcut"
            ),
            models.CheckConstraint(
                condition=~Q(shortcut="") & ~Q(content=""), name="canned_replies_say_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shortcut} of {self.business_id}"
