from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Block(models.Model):
    """Somebody who does not want to hear from somebody else in their direct conversation. Their own business alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    blocked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "blocks"
        constraints = [
            # Every message to a direct conversation: whether its other person wants to hear it. GET /users/me/blocks.
            models.UniqueConstraint(fields=["user", "blocked"], name="blocks_unique"),
            models.CheckConstraint(condition=~Q(user=F("blocked")), name="blocks_not_oneself"),
        ]
        indexes = [
            # Deleting or erasing an account: who blocked it.
            models.Index(fields=["blocked"], name="blocks_blocked"),
        ]

    def __str__(self) -> str:
        return f"{self.blocked_id} by {self.user_id}"
