from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from conversations import contents


class Message(models.Model):
    """One message, named by its conversation and `seq`. A deleted one keeps its place with empty content.

    `version` is the conversation's version of its last change, `created_version` that of its writing: a client that
    was away is told `message.created` exactly when it cannot have seen the message before.

    `attachments` names its files in order, null where there are none: what they are stands in their rows.

    `reactions` is `[{emoji, count}]`, oldest first, or null where there are none: what the rows of Reaction add up to.
    """

    class Type(models.TextChoices):
        TEXT = "text"
        IMAGE = "image"
        FILE = "file"
        AUDIO = "audio"
        VIDEO = "video"
        LOCATION = "location"
        SYSTEM = "system"

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="messages", db_index=False
    )
    seq = models.BigIntegerField()
    version = models.BigIntegerField()
    created_version = models.BigIntegerField()
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    type = models.CharField(max_length=8, choices=Type, default=Type.TEXT)
    content = models.TextField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    mentions = ArrayField(models.UUIDField(), default=list, blank=True)
    reply_to_seq = models.BigIntegerField(null=True, blank=True)
    reply_count = models.IntegerField(default=0)
    reactions = models.JSONField(null=True, blank=True)
    attachments = ArrayField(models.UUIDField(), null=True, blank=True)
    client_id = models.CharField(max_length=64, null=True, blank=True)
    sent_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # What search reads, written by PostgreSQL with every insert and every change of the content.
    words = models.GeneratedField(
        expression=models.Func(F("content"), function="chat_search_words"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "messages"
        constraints = [
            # History pages, resume, and every message by its name.
            models.UniqueConstraint(fields=["conversation", "seq"], name="messages_unique_seq"),
            # Send once: a client_id counts once for a sender in a conversation. Nulls are equal for imported notices.
            models.UniqueConstraint(
                fields=["conversation", "sender", "client_id"],
                condition=Q(client_id__isnull=False),
                nulls_distinct=False,
                name="messages_unique_client_id",
            ),
            # Only notices of the system may come from nobody. send_message leans on this: see messaging/queries.
            models.CheckConstraint(
                condition=Q(type="system") | Q(sender__isnull=False), name="messages_has_sender"
            ),
            models.CheckConstraint(
                condition=Q(type__in=["text", "image", "file", "audio", "video", "location", "system"]),
                name="messages_type",
            ),
            models.CheckConstraint(
                condition=Q(seq__gte=1, reply_count__gte=0, created_version__lte=F("version")),
                name="messages_counters",
            ),
        ]
        indexes = [
            # changes_since and resume: what moved after a version.
            models.Index(fields=["conversation", "version"], name="messages_version"),
            # GET /users/me/messages; moderation in the admin.
            models.Index("sender", F("sent_at").desc(), name="messages_sender_sent"),
            # GET …/messages?type=: the media of a conversation.
            models.Index("conversation", "type", F("seq").desc(), name="messages_conversation_type"),
            # Staff listings by kind; text is most of the table and needs no index of its own.
            models.Index("type", F("sent_at").desc(), name="messages_type_sent", condition=~Q(type="text")),
            # Jump to a date; statistics of what still stands.
            models.Index(
                "conversation",
                F("sent_at").desc(),
                name="messages_conversation_sent",
                condition=Q(deleted_at=None),
            ),
            # GET …/messages/{seq}/replies: the answers to a message that still stand, page by page.
            models.Index(
                fields=["conversation", "reply_to_seq", "seq"],
                name="messages_replies",
                condition=Q(reply_to_seq__isnull=False, deleted_at=None),
            ),
            # Unread: the few messages after a read position that do not count.
            models.Index(
                fields=["conversation", "seq"],
                name="messages_uncounted",
                condition=Q(deleted_at__isnull=False) | Q(type="system"),
            ),
            # purge_deleted: deleted messages that still have a client_id, the longest deleted first.
            models.Index(
                fields=["deleted_at"],
                name="messages_deleted",
                condition=Q(deleted_at__isnull=False, client_id__isnull=False),
            ),
            # GET /search/messages: words inside the conversations that the caller may read.
            GinIndex(
                OpClass(F("conversation"), name="uuid_ops"),
                F("words"),
                name="messages_search",
                # Every scan reads what waits to be put in its place, and a search is a scan for each conversation.
                gin_pending_list_limit=256,
                condition=Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id}#{self.seq}"

    @property
    def said(self) -> str:
        """Its words, whether or not they lie sealed; or why they cannot be read."""
        return contents.words(
            self.content,
            conversation=self.conversation_id,
            sender=self.sender_id,
            client_id=self.client_id,
        )

    def say(self, words: str) -> None:
        """Puts these in their place, as they are to be stored."""
        self.content = contents.seal(
            words, conversation=self.conversation_id, sender=self.sender_id, client_id=self.client_id
        )
