from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class SocketNotice(models.Model):
    """What changed about a person that open sockets must obey, kept for those that Redis did not tell.

    Each process looks for recent ones; the hourly purge deletes them.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    change = models.CharField(max_length=16)
    business_id = models.CharField(max_length=64, null=True, blank=True)
    session = models.CharField(max_length=32, null=True, blank=True)
    told_at = models.DateTimeField(db_default=Now())  # its age is reckoned by the same clock

    class Meta:
        db_table = "socket_notices"
        indexes = [
            # The sweep of every process, and the purge.
            models.Index(fields=["told_at"], name="socket_notices_told"),
            # Whether the session that wants to open a socket was ended.
            models.Index(
                fields=["session"], name="socket_notices_session", condition=models.Q(session__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change} of {self.user_id}"
