from django.conf import settings
from django.db import models


class SocketTicket(models.Model):
    """A single-use pass to open one socket. Only its SHA-256 is kept; redeeming deletes the row."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    session = models.CharField(max_length=32, null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)  # the hourly purge

    class Meta:
        db_table = "socket_tickets"

    def __str__(self) -> str:
        return f"ticket of {self.user_id}"
