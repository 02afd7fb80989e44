from django.conf import settings
from django.db import models


class Mention(models.Model):
    """A person named in a message. Goes when the message is deleted."""

    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="+", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()

    class Meta:
        db_table = "mentions"
        constraints = [
            # mention_count: a person's mentions in a conversation after their read position.
            models.UniqueConstraint(fields=["user", "conversation", "seq"], name="mentions_unique"),
        ]
        indexes = [
            # Deleting or editing a message takes its mentions along; so does deleting a conversation.
            models.Index(fields=["conversation", "seq"], name="mentions_message"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id}#{self.seq}"
