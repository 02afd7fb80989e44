"""Many messages at once: staff imports and the log reader."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from conversations import access
from conversations.exceptions import Invalid
from conversations.models import Conversation, Participant
from conversations.queries.statement import rows
from messaging import events
from messaging.models import Message
from messaging.queries import writing
from messaging.services.storing import storable

BATCH = 100  # rows an INSERT carries
COPY_FROM = 500  # from this many rows on COPY is used instead


class Line(NamedTuple):
    """One message to add. `sender` None is for notices only; `client_id` is what makes a repeat harmless."""

    sender: UUID | None
    content: str
    sent_at: datetime
    client_id: str
    type: str = "text"


class Added(NamedTuple):
    """What became of the lines: the seq of each `(sender, client_id)`, and how many were there already."""

    seqs: Mapping[tuple[UUID | None, str], int]
    inserted: int
    duplicates: int


@storable()
@transaction.atomic
def add_batch(*, conversation_id: UUID, lines: Sequence[Line]) -> Added:
    """Adds lines of participants to a conversation for staff, all or nothing, and tells everybody of each."""
    conversation = _locked(conversation_id)
    _require_participants(conversation, lines)
    before = conversation.last_seq
    added = append(conversation, lines)
    if added.inserted:
        new = writing.messages_by_seq(
            conversation=conversation_id, first=before + 1, last=conversation.last_seq
        )
        events.message_changed(conversation_id, *new, name="message.created")
    return added


def _locked(conversation_id: UUID) -> Conversation:
    return access.get_any_conversation(conversation_id, lock=True)


def _require_participants(conversation: Conversation, lines: Iterable[Line]) -> None:
    seats = Participant.objects.live().filter(conversation=conversation)
    known = set(seats.values_list("user_id", flat=True))
    errors = [
        {"field": f"messages.{place}.sender_id", "code": "not_a_participant", "detail": "Not a participant."}
        for place, line in enumerate(lines)
        if line.sender not in known
    ]
    if errors:
        raise Invalid(
            "Every sender must take part in the conversation.", code="not_a_participant", errors=errors
        )


def append(conversation: Conversation, lines: Sequence[Line]) -> Added:
    """Gives lines the next places in the order given, leaving out those already there. Sends no events.

    The caller holds the conversation's lock and a transaction.
    """
    known = _known(conversation, lines)
    first: dict[tuple[UUID | None, str], Line] = {}
    for line in lines:  # of the same client_id twice the first stands, as it would sent one by one
        first.setdefault((line.sender, line.client_id), line)
    fresh = [line for name, line in first.items() if name not in known]
    if fresh:
        messages = _messages(conversation, fresh)
        _copy(messages) if len(messages) >= COPY_FROM else Message.objects.bulk_create(messages, BATCH)
        _advance(conversation, messages)
        known |= {(message.sender_id, message.client_id or ""): message.seq for message in messages}
    return Added(known, len(fresh), len(lines) - len(fresh))


def _known(conversation: Conversation, lines: Sequence[Line]) -> dict[tuple[UUID | None, str], int]:
    """Uses index: messages_unique_client_id."""
    found = rows(
        """SELECT m.sender_id, m.client_id, m.seq
        FROM unnest(%(senders)s::uuid[], %(ids)s::text[]) AS line (sender, client_id)
        JOIN messages m ON m.conversation_id = %(conversation)s::uuid AND m.client_id = line.client_id
            AND m.sender_id IS NOT DISTINCT FROM line.sender""",
        {
            "conversation": conversation.pk,
            "senders": [line.sender for line in lines],
            "ids": [line.client_id for line in lines],
        },
    )
    return {(sender, client_id): seq for sender, client_id, seq in found}


def _messages(conversation: Conversation, lines: Sequence[Line]) -> list[Message]:
    return [
        Message(
            conversation=conversation,
            seq=conversation.last_seq + place,
            version=conversation.version + place,
            created_version=conversation.version + place,
            sender_id=line.sender,
            type=line.type,
            content=line.content,
            client_id=line.client_id,
            sent_at=line.sent_at,
        )
        for place, line in enumerate(lines, start=1)
    ]


COLUMNS = (
    "conversation_id",
    "seq",
    "version",
    "created_version",
    "sender_id",
    "type",
    "content",
    "metadata",
    "mentions",
    "reply_count",
    "client_id",
    "sent_at",
)


def _copy(messages: Sequence[Message]) -> None:
    fixed: dict[str, Any] = {"metadata": "{}", "mentions": [], "reply_count": 0}
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY messages ({', '.join(COLUMNS)}) FROM STDIN") as copy,
    ):
        for message in messages:
            copy.write_row([fixed.get(name, getattr(message, name)) for name in COLUMNS])


def _advance(conversation: Conversation, messages: Sequence[Message]) -> None:
    """Moves the conversation's counters, and each sender's last own message, past what was added."""
    last = messages[-1]
    newest = Message.objects.get(conversation=conversation, seq=last.seq)
    conversation.last_seq, conversation.version = last.seq, last.version
    conversation.last_message, conversation.changed_at = newest, timezone.now()
    latest = max(message.sent_at for message in messages)
    conversation.last_activity_at = max(conversation.last_activity_at, latest)
    conversation.save(update_fields=["last_seq", "version", "last_message", "changed_at", "last_activity_at"])
    sent = {message.sender_id: message.seq for message in messages if message.sender_id}
    seats = Participant.objects.filter(conversation=conversation, user__in=list(sent))
    for seat in (touched := list(seats)):
        seat.last_sent_seq = max(seat.last_sent_seq, sent[seat.user_id])
    Participant.objects.bulk_update(touched, ["last_sent_seq"], batch_size=500)
