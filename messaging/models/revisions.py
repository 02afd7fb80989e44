from django.db import models

from messaging.models.messages import Message


class Revision(models.Model):
    """What a message said before an edit: kept for moderators, and gone as soon as the message is deleted.

    `version` is the conversation's version of the edit that put other words in its place.
    """

    message = models.ForeignKey(Message, models.CASCADE, related_name="+", db_index=False)
    version = models.BigIntegerField()
    content = models.TextField()
    written_at = models.DateTimeField()
    replaced_at = models.DateTimeField()

    class Meta:
        db_table = "message_revisions"
        constraints = [
            # GET …/messages/{seq}/history, page by page; deleting a message's earlier words.
            models.UniqueConstraint(fields=["message", "version"], name="message_revisions_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} before {self.version}"
