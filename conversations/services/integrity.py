"""Holding the invariants against the rows, and putting right what can be put right without guessing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest, Least

from conversations.models import BusinessCase, Conversation, Participant
from conversations.queries import integrity
from conversations.queries.integrity import Fault, Rule
from conversations.services import announce

# Gets the conversation with its lock held, in a transaction of its own.
Repair = Callable[[Conversation], None]

BATCH = 200  # conversations a statement


def batches(size: int = BATCH) -> Iterator[list[UUID]]:
    """All conversations, a batch at a time, the deleted ones too. Uses index: conversations_pkey."""
    last = UUID(int=0)
    while ids := list(
        Conversation.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:size]
    ):
        yield ids
        last = ids[-1]


def estimate() -> int:
    """About how many conversations there are, as of the last ANALYZE; 0 where there was none. Counts nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'conversations'::regclass"
        )
        return int(cursor.fetchone()[0])


@transaction.atomic
def repair(rule: Rule, conversation_id: UUID, repairs: Mapping[str, Repair]) -> list[Fault]:
    """Puts a rule right in one conversation; returns what is left. A fault that went by itself is not touched."""
    conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    found = integrity.faults(rule, [conversation_id])
    if found and rule.name in repairs:
        repairs[rule.name](conversation)
        return integrity.faults(rule, [conversation_id])
    return found


def broken(rules: Sequence[Rule], ids: Sequence[UUID]) -> Iterator[tuple[Rule, Fault]]:
    """What does not hold in these conversations. One statement a rule."""
    for rule in rules:
        for fault in integrity.faults(rule, ids):
            yield rule, fault


def _count(conversation: Conversation) -> None:
    there = Participant.objects.live().filter(conversation=conversation).count()
    _tell(conversation, participant_count=there)


def _move_back(conversation: Conversation) -> None:
    """A position beyond the end would hide the messages to come."""
    Participant.objects.filter(conversation=conversation).update(
        last_read_seq=Least(F("last_read_seq"), conversation.last_seq),
        last_sent_seq=Least(F("last_sent_seq"), conversation.last_seq),
    )


def _catch_up(conversation: Conversation) -> None:
    seats = Participant.objects.filter(conversation=conversation)
    reach_version(conversation, seats.aggregate(highest=Max("version"))["highest"])


def reach_version(conversation: Conversation, highest: int) -> None:
    """Moves the counter to the highest version that was given away, and tells: who is behind it reads on."""
    Conversation.objects.filter(pk=conversation.pk).update(version=Greatest(F("version"), highest))
    conversation.refresh_from_db(fields=["version"])
    _tell(conversation)


def _open_case(conversation: Conversation) -> None:
    BusinessCase.objects.create(conversation=conversation)
    _tell(conversation)


def _tell(conversation: Conversation, **changes: object) -> None:
    conversation.stamp(facts=True, **changes)
    announce.conversation_changed(conversation)


# What is not here cannot be put right without guessing.
REPAIRS: Mapping[str, Repair] = {
    integrity.PARTICIPANT_COUNT.name: _count,
    integrity.READ_POSITIONS.name: _move_back,
    integrity.SEAT_VERSIONS.name: _catch_up,
    integrity.BUSINESS_CASE.name: _open_case,
}
