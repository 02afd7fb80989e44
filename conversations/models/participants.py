from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from conversations.models.conversations import Conversation
from conversations.querysets import ParticipantQuerySet


class Participant(models.Model):
    """A person's seat in a conversation: role, read position, own settings.

    Leaving sets `left_at`; the row stays. Coming back takes it again, own settings included; what was missed counts
    as read. `last_sent_seq` is the last message of theirs: only when it lies beyond `last_read_seq` can own messages
    be among the unread.
    """

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        AGENT = "agent"
        CUSTOMER = "customer"

    class Notify(models.TextChoices):
        ALL = "all"
        MENTIONS = "mentions"
        NONE = "none"

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="participants", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="seats", db_index=False)
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)
    last_read_seq = models.BigIntegerField(default=0)
    last_sent_seq = models.BigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    notify = models.CharField(max_length=8, choices=Notify, default=Notify.ALL)
    version = models.BigIntegerField(default=1)
    joined_version = models.BigIntegerField(default=1)

    objects: ClassVar[ParticipantQuerySet] = ParticipantQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "participants"
        constraints = [
            # Membership checks, and who of the two came first when both add somebody. left_at lets the check be
            # answered by the index alone: else the planner reads all of a person's seats in participants_user_live.
            models.UniqueConstraint(
                fields=["conversation", "user"], include=["left_at"], name="participants_unique_user"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "admin", "member", "agent", "customer"]),
                name="participants_role",
            ),
            models.CheckConstraint(
                condition=Q(last_read_seq__gte=0, last_sent_seq__gte=0, joined_version__lte=F("version")),
                name="participants_counters",
            ),
        ]
        indexes = [
            # Who may administer; the participants' list.
            models.Index(
                fields=["conversation", "role"],
                name="participants_conversation_role",
                condition=Q(left_at=None),
            ),
            # The sweep: who took a seat in the last seconds.
            models.Index(fields=["joined_at"], name="participants_joined"),
            # A person's membership history, newest first.
            models.Index("user", F("joined_at").desc(), name="participants_user_joined"),
            # The inbox and the unread totals: a person's live seats with what unread needs.
            models.Index(
                fields=["user"],
                include=["conversation", "last_read_seq"],
                name="participants_user_live",
                condition=Q(left_at=None),
            ),
            # changes_since: who joined, left or changed role after a version.
            models.Index(fields=["conversation", "version"], name="participants_version"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id} as {self.role}"
