from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from messaging.models.messages import Message


class Reaction(models.Model):
    """What one person put under one message, in the order they did.

    `version` is the conversation's version of their last change to it. Emptied, the row stays: it tells when. What all
    of them add up to is kept on the message, under the conversation's lock.
    """

    message = models.ForeignKey(Message, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    emojis = ArrayField(models.CharField(max_length=16))
    version = models.BigIntegerField()

    class Meta:
        db_table = "reactions"
        constraints = [
            # `mine` of a message that has reactions; a person's reactions before they add one; who reacted lately.
            models.UniqueConstraint(fields=["message", "user"], name="reactions_unique_user"),
        ]
        indexes = [
            # Deleting or erasing an account: what it reacted to.
            models.Index(fields=["user"], name="reactions_user"),
        ]

    def __str__(self) -> str:
        return f"{''.join(self.emojis)} by {self.user_id}"
