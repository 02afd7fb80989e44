from django.db import models

from conversations.models import Conversation
from webhooks.models.webhooks import Webhook


class WebhookCursor(models.Model):
    """How far a webhook has heard a conversation: everything up to `version` is delivered or waits in its deliveries.

    `known` is where the page began of which more is left to read; otherwise the same as `version`. The references are
    not PostgreSQL's: it would lock every conversation for a webhook that begins to hear all of them.
    """

    webhook = models.ForeignKey(
        Webhook, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+", db_constraint=False)
    version = models.BigIntegerField()
    known = models.BigIntegerField()

    class Meta:
        db_table = "webhook_cursors"
        constraints = [
            # Each round: where a webhook stands with the conversations that moved.
            models.UniqueConstraint(fields=["webhook", "conversation"], name="webhook_cursors_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.webhook_id} has {self.conversation_id} up to {self.version}"
