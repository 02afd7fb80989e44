"""Letting go of what was deleted long ago, in short transactions that may end anywhere.

A deleted message keeps its place for ever: the numbers of a conversation have no gaps. Its content went when it was
deleted; of what is left, the client_id goes, with which nobody sends anything again. A deleted conversation goes whole,
from its newest message down, so that after each step it is a conversation that is in order, only shorter.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils import timezone

from conversations.models import Conversation, Participant
from messaging import files, limits
from messaging.models import Attachment, Mention, Message
from messaging.queries import purge as queries


class Gone(NamedTuple):
    """What one transaction let go."""

    conversations: int = 0
    messages: int = 0
    client_ids: int = 0

    def __add__(self, other: object) -> "Gone":
        if not isinstance(other, Gone):
            return NotImplemented
        return Gone(*map(sum, zip(self, other, strict=True)))


def purge_deleted(*, before: datetime) -> Iterator[Gone]:
    """Lets go of what was deleted before a moment, a thousand rows a transaction; yields after each.

    Whoever stops listening stops it, and the next run goes on from there. What somebody else holds is left for that.
    """
    # Uses index: conversations_deleted.
    ended = Conversation.objects.filter(deleted_at__lt=before).order_by("deleted_at", "pk")
    for conversation in list(ended.values_list("pk", flat=True)):
        while (gone := _shorten(conversation, before)) != Gone():
            yield gone
    while number := queries.forget_client_ids(before):
        yield Gone(client_ids=number)


@transaction.atomic
def _shorten(conversation_id: UUID, before: datetime) -> Gone:
    """The newest messages of a deleted conversation go; with the last of them, the conversation."""
    rooms = Conversation.objects.select_for_update(skip_locked=True)
    room = rooms.filter(pk=conversation_id, deleted_at__lt=before).first()
    if room is None:
        return Gone()
    left = max(0, room.last_seq - queries.BATCH)
    messages = Message.objects.filter(conversation=room)
    _end_with(room, messages.filter(seq=left).first(), left)
    number = _drop(room, left)
    if left == 0:
        room.delete()
    return Gone(conversations=int(left == 0), messages=number)


def _end_with(room: Conversation, last: Message | None, left: int) -> None:
    """Nothing points beyond message `left` any more."""
    room.last_seq, room.last_message = left, last
    room.pins = [seq for seq in room.pins or () if seq <= left] or None
    room.save(update_fields=["last_seq", "last_message", "pins"])
    Participant.objects.filter(conversation=room).update(
        last_read_seq=Least(F("last_read_seq"), left), last_sent_seq=Least(F("last_sent_seq"), left)
    )
    Mention.objects.filter(conversation=room, seq__gt=left).delete()
    queries.uncount_replies(conversation=room.pk, after=left)


def _drop(room: Conversation, left: int) -> int:
    """Through the ORM, which takes along what belongs to a message. Files are left to `purge_attachments`."""
    newest = Message.objects.filter(conversation=room, seq__gt=left).only("pk")
    Attachment.objects.filter(message__in=newest).update(message=None, removed_at=timezone.now())
    _, counted = newest.delete()
    return counted.get(Message._meta.label, 0)


SPARED = timedelta(hours=limits.UNSENT_HOURS + 1)  # nobody can send it any more, nor is about to
FILES = 100  # of a batch: each is a call to the storage


def purge_attachments(only: Sequence[UUID] | None = None) -> int:
    """Lets go of files that no message carries, removed or never sent: the bytes first, then the row.

    So whatever breaks off is met again. Returns how many went. Raises StorageAway. Uses index: attachments_free.
    """
    over = Q(removed_at__isnull=False) | Q(uploaded_at__lt=timezone.now() - SPARED)
    due = Attachment.objects.filter(over, message=None).order_by("uploaded_at")
    due = due if only is None else due.filter(pk__in=only)
    gone = 0
    while batch := list(due.values_list("pk", flat=True)[:FILES]):
        for attachment in batch:
            files.drop(attachment)
        Attachment.objects.filter(pk__in=batch).delete()
        gone += len(batch)
    return gone
