from django.conf import settings
from django.db import models


class LastSeen(models.Model):
    """When a person last did something at one of their sockets. Apart from the account, which everything reads."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "last_seen"

    def __str__(self) -> str:
        return f"{self.user_id} at {self.seen_at}"
