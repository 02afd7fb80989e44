from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from conversations import contents
from conversations.models import Conversation


class Notebook(models.Model):
    """Where the notes of a case are numbered, apart from what its customer may know: nothing of the conversation moves.

    `last_number` numbers them without gaps; `version` moves with each change of one. Both are allotted under this row's
    lock. A case has a row once it has a note.
    """

    conversation = models.OneToOneField(Conversation, models.CASCADE, primary_key=True, related_name="+")
    last_number = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "notebooks"
        constraints = [
            models.CheckConstraint(
                condition=Q(last_number__gte=0, version__gte=F("last_number")), name="notebooks_counters"
            ),
        ]
        indexes = [
            # The sweep: what changed in the last seconds.
            models.Index(fields=["changed_at"], name="notebooks_changed"),
        ]

    def __str__(self) -> str:
        return f"notes of {self.conversation_id}"

    def stamp(self) -> int:
        """Takes the next version. The caller holds this row's lock."""
        self.version += 1
        self.changed_at = timezone.now()
        self.save(update_fields=["version", "changed_at"])
        return self.version


class Note(models.Model):
    """What an agent wrote to the other agents beside a case, after its message `after_seq`. No customer ever sees it.

    A deleted one keeps its number with empty content. `version` is the notebook's version of its last change,
    `created_version` that of its writing.
    """

    id = models.BigAutoField(primary_key=True)
    notebook = models.ForeignKey(
        Notebook, models.CASCADE, db_column="conversation_id", related_name="notes", db_index=False
    )
    number = models.BigIntegerField()
    version = models.BigIntegerField()
    created_version = models.BigIntegerField()
    after_seq = models.BigIntegerField()
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    content = models.TextField(blank=True)
    client_id = models.CharField(max_length=64, null=True, blank=True)
    sent_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notes"
        constraints = [
            # A note by its name.
            models.UniqueConstraint(fields=["notebook", "number"], name="notes_unique_number"),
            # Write once: a client_id counts once for an agent in a case.
            models.UniqueConstraint(
                fields=["notebook", "sender", "client_id"],
                condition=Q(client_id__isnull=False),
                name="notes_unique_client_id",
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1, after_seq__gte=0, created_version__lte=F("version")),
                name="notes_counters",
            ),
        ]
        indexes = [
            # GET …/notes: those beside a page of messages, in their order.
            models.Index(fields=["notebook", "after_seq", "number"], name="notes_place"),
            # Resume and the sweep: what moved after a version.
            models.Index(fields=["notebook", "version"], name="notes_version"),
            # Deleting or erasing an account.
            models.Index(fields=["sender"], name="notes_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.notebook_id} note {self.number}"

    @property
    def said(self) -> str:
        """Its words, whether or not they lie sealed; or why they cannot be read."""
        return contents.words(
            self.content,
            conversation=self.notebook_id,
            sender=self.sender_id,
            client_id=self.client_id,
            kind=contents.NOTE,
        )

    def say(self, words: str) -> None:
        """Puts these in their place, as they are to be stored."""
        self.content = contents.seal(
            words,
            conversation=self.notebook_id,
            sender=self.sender_id,
            client_id=self.client_id,
            kind=contents.NOTE,
        )
