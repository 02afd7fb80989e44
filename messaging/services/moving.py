"""Bringing in what another chat server exported: see `messaging.moving` for how it is read."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from conversations import access
from conversations.exceptions import NotFound
from conversations.models import Conversation, Participant, User
from conversations.services import announce, moving
from conversations.services.bulk import seat_people
from messaging.limits import MAX_CLIENT_ID
from messaging.moving.records import Person, Room
from messaging.moving.spool import Placed, Spool
from messaging.services import bulk
from messaging.services.moved import dress

NAMESPACE = UUID("5b0f5a3c-3f0e-5c60-9d5e-7f8f0c0a4d11")  # of ids that follow from those of other servers
GONE = "messages of conversations that were deleted here"
EMPTY = "conversations in which nothing was said"


@dataclass(slots=True)
class Moved:
    """What came of an import."""

    accounts: int = 0
    conversations: int = 0
    added: int = 0
    present: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _People:
    """Who somebody of the export is here. `own` is the account that the export makes, `known` where it is another."""

    source: str
    known: Mapping[str, UUID]

    def own(self, key: str) -> UUID:
        return moving.id_of(NAMESPACE, self.source, "person", key)

    def __getitem__(self, key: str) -> UUID:
        return self.known.get(key) or self.own(key)


def move_in(
    spool: Spool,
    *,
    source: str,
    accounts: Mapping[str, str],
    progress: Callable[[str], None] = lambda text: None,
) -> Moved:
    """Writes what a spool holds, a batch a transaction; a second time adds only what is not there yet.

    `source` tells servers apart. `accounts` names, by e-mail address, the usernames of people who have an account
    here; everybody else gets one without a password. `progress` hears of each room. Raises NotFound (username).
    """
    done = Moved()
    people = _People(source, _accounts(spool, source, moving.mapped(accounts), done))
    for room in spool.rooms():
        _move_room(spool, room, people, done)
        progress(room.name)
    return done


def _accounts(spool: Spool, source: str, mapped: Mapping[str, UUID], done: Moved) -> dict[str, UUID]:
    known: dict[str, UUID] = {}
    for batch in spool.persons():
        known |= {one.key: mapped[mail] for one in batch if (mail := one.email.casefold()) in mapped}
        new = [_newcomer(one, source) for one in batch if one.key not in known]
        done.accounts += moving.make_accounts(new)
    return known


def _newcomer(person: Person, source: str) -> moving.Newcomer:
    own = moving.id_of(NAMESPACE, source, "person", person.key)
    return moving.Newcomer(own, person.username, person.name, person.closed)


def _move_room(spool: Spool, room: Room, people: _People, done: Moved) -> None:
    joined: set[UUID] = set()
    added = 0
    key = moving.id_of(NAMESPACE, people.source, "room", room.key)
    for number, batch in enumerate(spool.said_in(room.key)):
        try:
            new, seated = _move_batch(spool, room, key, batch, people, first=number == 0)
        except NotFound:
            done.left_out[GONE] += len(batch)
            continue
        joined |= seated
        added += new
        done.present += len(batch) - new
    if added or joined:
        _tell(key, joined)
        done.added += added
        done.conversations += 1


@transaction.atomic
def _move_batch(
    spool: Spool, room: Room, key: UUID, batch: Sequence[Placed], people: _People, *, first: bool
) -> tuple[int, set[UUID]]:
    """One batch of a room, whole or not at all; how many messages were new, and who got a seat."""
    if first:
        _make_room(room, key, batch[0], people)
    conversation = access.get_any_conversation(key, lock=True)
    seen = conversation.last_seq
    seated = _seat(conversation, room, batch[0], people) if first else set()
    lines = [_line(placed, people, room) for placed in batch]
    present = _there_under_own(conversation, lines, batch, people)
    fresh = [line for line in lines if line.client_id not in present]
    added = bulk.append(conversation, fresh)
    seqs = present | {line.client_id: added.seqs[line.name] for line in fresh}
    new = {line.client_id for line in fresh if added.seqs[line.name] > seen}
    spool.number((seqs[line.client_id], placed.place) for line, placed in zip(lines, batch, strict=True))
    written = [
        (seqs[line.client_id], placed)
        for line, placed in zip(lines, batch, strict=True)
        if line.client_id in new
    ]
    dress(
        conversation,
        written,
        person=people.__getitem__,
        seqs=lambda keys: spool.seqs(room.key, keys),
        seen=seen,
    )
    _read_on(conversation, seen, seated)
    return len(new), seated


def _make_room(room: Room, key: UUID, first: Placed, people: _People) -> None:
    """The room, unless it is there. Two who talk here already keep that apart: the import is a group of two."""
    pair = sorted({people[one] for one in room.members})
    direct = room.direct and len(pair) == 2
    direct_key = Conversation.direct_key_of(*pair) if direct else None
    if direct_key and Conversation.objects.filter(direct_key=direct_key).exclude(pk=key).exists():
        direct_key = None
    Conversation.objects.get_or_create(
        pk=key,
        defaults={
            "type": Conversation.Type.DIRECT if direct_key else Conversation.Type.GROUP,
            "name": "" if direct_key else room.name[:120],
            "direct_key": direct_key,
            "created_at": first.said.at,
            "last_activity_at": first.said.at,
        },
    )


def _seat(conversation: Conversation, room: Room, first: Placed, people: _People) -> set[UUID]:
    """Seats those who may read the room there; whoever had a seat here and left stays away."""
    wanted = {people[one]: first.said.at for one in room.members}
    there = Participant.objects.filter(conversation=conversation)
    known = set(there.values_list("user_id", flat=True))
    seat_people(conversation, {user: at for user, at in wanted.items() if user not in known})
    if not known and wanted and conversation.type == Conversation.Type.GROUP:
        there.filter(user=_owner(room, list(wanted), people)).update(role=Participant.Role.OWNER)
    return set(wanted) - known


def _owner(room: Room, wanted: Sequence[UUID], people: _People) -> UUID | None:
    """Who made it there, else the first who can sign in."""
    if room.owner:
        return people[room.owner]
    active = set(User.objects.active().filter(pk__in=wanted).values_list("pk", flat=True))
    return next((user for user in wanted if user in active), None)


def _line(placed: Placed, people: _People, room: Room) -> bulk.Line:
    said = placed.said
    return bulk.Line(
        sender=people[said.sender],
        content=said.text,
        sent_at=said.at,
        client_id=_client_id(people.source, said.key),
        type="system" if said.action else "text",
    )


def _client_id(source: str, key: str) -> str:
    """The same for the same message of the same room, at most 64 characters."""
    name = f"{source}:{key}"
    return name if len(name) <= MAX_CLIENT_ID else f"moved:{sha256(name.encode()).hexdigest()[:56]}"


def _there_under_own(
    conversation: Conversation, lines: Sequence[bulk.Line], batch: Sequence[Placed], people: _People
) -> dict[str, int]:
    """Seqs of what came in earlier from the account that the export made, before its person was named another's.

    One statement. Uses index: messages_unique_client_id.
    """
    own = [people.own(placed.said.sender) for placed in batch]
    return bulk.known(conversation, [line._replace(sender=one) for line, one in zip(lines, own, strict=True)])


def _read_on(conversation: Conversation, seen: int, seated: set[UUID]) -> None:
    """What is imported counts as read by those who had read everything before. Uses index: participants_unique_user."""
    conversation.refresh_from_db()
    seats = Participant.objects.filter(conversation=conversation)
    seats.filter(user__in=seated).update(last_read_seq=conversation.last_seq)
    seats.filter(last_read_seq=seen).update(last_read_seq=conversation.last_seq)


@transaction.atomic
def _tell(key: UUID, joined: set[UUID]) -> None:
    """One event for everything: whoever is here asks for the versions between."""
    room = access.get_any_conversation(key, lock=True)
    room.stamp(facts=True)
    announce.conversation_changed(room, joined=sorted(joined))
