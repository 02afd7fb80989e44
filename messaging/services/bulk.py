"""Many messages at once: staff imports and the log reader."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from conversations import access, contents
from conversations.exceptions import Invalid
from conversations.models import Conversation, Participant
from conversations.services import audit
from conversations.services.audit import Action
from messaging import events
from messaging.queries import writing
from messaging.records import Written
from messaging.services.storing import storable

AT_ONCE = 1_000  # lines of one statement

Name = tuple[UUID | None, str]  # a line's sender and client_id


class Line(NamedTuple):
    """One message to add. `sender` None is for notices only; `client_id` is what makes a repeat harmless."""

    sender: UUID | None
    content: str
    sent_at: datetime
    client_id: str
    type: str = "text"

    @property
    def name(self) -> Name:
        return self.sender, self.client_id


class Added(NamedTuple):
    """What became of the lines: the seq of each by its name, how many were there already, and the new messages."""

    seqs: Mapping[Name, int]
    inserted: int
    duplicates: int
    new: Sequence[Written] = ()


@storable()
@transaction.atomic
def add_batch(*, conversation_id: UUID, lines: Sequence[Line], actor_id: UUID | None = None) -> Added:
    """Adds lines of participants to a conversation for staff, all or nothing, and tells everybody of each.

    `actor_id` is who has it done, where that is a person.
    """
    conversation = access.get_any_conversation(conversation_id, lock=True)
    _require_participants(conversation, lines)
    added = append(conversation, lines)
    if actor_id is not None:
        audit.keep(Action.MESSAGES_IMPORTED, actor=actor_id, subject=conversation_id, number=added.inserted)
    events.message_changed(conversation_id, *added.new, name="message.created")
    return added


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

    The caller holds the conversation's lock and a transaction; its own copy of the counters is left behind. Two
    statements for each thousand lines.
    """
    first: dict[Name, Line] = {}
    for line in lines:  # of the same client_id twice the first stands, as it would sent one by one
        first.setdefault(line.name, line)
    seqs: dict[Name, int] = {}
    new: list[Written] = []
    each = list(first.values())
    for start in range(0, len(each), AT_ONCE):
        some = each[start : start + AT_ONCE]
        seqs |= _known(conversation, some)
        fresh = [line for line in some if line.name not in seqs]
        written = _write(conversation, fresh)
        seqs |= {line.name: message.seq for line, message in zip(fresh, written, strict=True)}
        new += written
    return Added(seqs, len(new), len(lines) - len(new), new)


def _known(conversation: Conversation, lines: Sequence[Line]) -> dict[Name, int]:
    found = writing.known_lines(
        conversation=conversation.pk,
        senders=[line.sender for line in lines],
        client_ids=[line.client_id for line in lines],
    )
    return {(sender, client_id): seq for sender, client_id, seq in found}


def known(conversation: Conversation, lines: Sequence[Line]) -> dict[str, int]:
    """Which of at most a thousand lines stand here already: their seqs, by client_id. One statement."""
    return {client_id: seq for (_, client_id), seq in _known(conversation, lines).items()}


def _write(conversation: Conversation, lines: Sequence[Line]) -> list[Written]:
    if not lines:
        return []
    senders, _, times, client_ids, types = zip(*lines, strict=True)
    return writing.add_messages(
        conversation=conversation.pk,
        senders=senders,
        contents=_sealed(conversation, lines),
        times=times,
        client_ids=client_ids,
        types=types,
    )


def _sealed(conversation: Conversation, lines: Iterable[Line]) -> list[str]:
    seal = contents.sealing()
    return [
        seal(line.content, contents.about(conversation.pk, line.sender, line.client_id)) for line in lines
    ]
