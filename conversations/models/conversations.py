from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from uuid_utils.compat import uuid7

from conversations.querysets import ConversationQuerySet

MAX_SLOW_MODE_S = 21_600


class Conversation(models.Model):
    """A direct, group or business conversation and the two counters that order it.

    `last_seq` numbers its messages without gaps; `version` moves with every durable change. Both are allotted
    under this row's lock, so that the order of allotment is the order of commits. `facts_version` is the version
    of the last change to what the conversation itself says (name, avatar, case, pins, pace, deletion). `pins` are the
    seqs of pinned messages in the order they were pinned, or null where there are none. `slow_mode_s` seconds lie
    between two messages of a member of a group; null where there is no such pause.
    """

    class Type(models.TextChoices):
        DIRECT = "direct"
        GROUP = "group"
        BUSINESS = "business"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=8, choices=Type)
    name = models.CharField(max_length=120, blank=True)
    avatar_url = models.URLField(max_length=500, blank=True)
    business_id = models.CharField(max_length=64, null=True, blank=True)
    direct_key = models.CharField(max_length=73, null=True, blank=True, unique=True, editable=False)
    last_seq = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=1)
    facts_version = models.BigIntegerField(default=1)
    last_message = models.ForeignKey(
        "messaging.Message", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    participant_count = models.IntegerField(default=0)
    pins = ArrayField(models.BigIntegerField(), null=True, blank=True)
    slow_mode_s = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_activity_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Conversation"]] = ConversationQuerySet.as_manager()

    class Meta:
        db_table = "conversations"
        constraints = [
            models.CheckConstraint(
                condition=Q(type="direct", direct_key__isnull=False)
                | (~Q(type="direct") & Q(direct_key__isnull=True)),
                name="conversations_direct_has_key",
            ),
            models.CheckConstraint(
                condition=Q(type="business", business_id__isnull=False)
                | (~Q(type="business") & Q(business_id__isnull=True)),
                name="conversations_business_has_id",
            ),
            models.CheckConstraint(
                condition=Q(type__in=["direct", "group", "business"]), name="conversations_type"
            ),
            models.CheckConstraint(
                condition=Q(
                    last_seq__gte=0, version__gte=1, facts_version__lte=F("version"), participant_count__gte=0
                ),
                name="conversations_counters",
            ),
            models.CheckConstraint(
                condition=Q(slow_mode_s=None) | Q(type="group", slow_mode_s__range=(1, MAX_SLOW_MODE_S)),
                name="conversations_slow_mode",
            ),
        ]
        indexes = [
            # Staff listings by kind, liveliest first.
            models.Index("type", F("last_activity_at").desc(), name="conversations_type_activity"),
            # The business inbox: GET /business/{id}/conversations.
            models.Index(
                "business_id",
                F("last_activity_at").desc(),
                name="conversations_business",
                condition=Q(type="business"),
            ),
            # The sweep: what changed in the last seconds.
            models.Index(fields=["changed_at"], name="conversations_changed"),
            # purge_deleted: the longest deleted first.
            models.Index(
                fields=["deleted_at"], name="conversations_deleted", condition=Q(deleted_at__isnull=False)
            ),
            # SET NULL when a message row goes, without reading every conversation.
            models.Index(fields=["last_message"], name="conversations_last_message"),
            # GET /conversations?search= and the admin.
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="conversations_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.type} {self.pk}"

    @staticmethod
    def direct_key_of(one: UUID, other: UUID) -> str:
        """The same key whichever of the two asks: both ids, sorted."""
        return ":".join(sorted([str(one), str(other)]))

    def stamp(self, *, facts: bool = False, **changes: object) -> int:
        """Takes the next version for a durable change and saves `changes` with it.

        The caller holds this row's lock (`access.get_conversation(…, lock=True)`).
        """
        self.version += 1
        self.changed_at = timezone.now()
        if facts:
            self.facts_version = self.version
        for name, value in changes.items():
            setattr(self, name, value)
        self.save(update_fields=["version", "changed_at", "facts_version", *changes])
        return self.version
