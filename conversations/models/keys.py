from django.db import models
from django.db.models import F
from django.utils import timezone


class ContentKey(models.Model):
    """A key that messages are sealed under, itself encrypted by the one of ENCRYPTION_KEYS that `key_name` says.

    There is a new one each day: no cipher is used too often, and which day a message is of it tells already.
    """

    id = models.CharField(max_length=8, primary_key=True)
    key_name = models.CharField(max_length=32)
    sealed_key = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "content_keys"
        indexes = [
            # The newest, which new messages are sealed under.
            models.Index(F("made_at").desc(), name="content_keys_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}, under {self.key_name}"
