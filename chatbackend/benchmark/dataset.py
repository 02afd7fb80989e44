"""A large, skewed data set: a few conversations hold most of the messages, as in life.

Always the same for the same numbers. Written by COPY straight into the tables of an empty database, with the counters
and versions that the services would have left.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from conversations.models import Conversation

READERS = 20  # accounts to read and write with
SEATS_OF_A_READER = 60
START = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=180)
WORDS = (
    "the", "a", "we", "you", "it", "is", "on", "to", "and", "for", "not", "can", "will", "now", "later", "please",
    "thanks", "meeting", "plan", "order", "parcel", "invoice", "tomorrow", "morning", "team", "release",
    "kitchen", "garden", "train", "ticket", "question", "answer", "maybe", "certainly", "picture", "list", "paper",
)  # fmt: skip


class Seat(NamedTuple):
    """A reader in one of their conversations, which holds `messages`."""

    user: UUID
    conversation: UUID
    messages: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was made. `seats` are those of the readers, the largest conversations first."""

    messages: int
    users: int
    conversations: int
    seats: Sequence[Seat]


@dataclass(slots=True)
class _Room:
    id: UUID
    size: int
    people: list[int]
    type: str
    last_seq: int = 0
    sent: dict[int, int] = field(default_factory=dict)  # each person's last message


def fill(*, messages: int, users: int = 0, conversations: int = 0, seed: int = 1) -> Dataset:
    """Fills an empty database and has PostgreSQL take stock of it."""
    random = Random(seed)
    people = [uuid7() for _ in range(users or max(200, messages // 40))]
    return _write(random, people, _rooms(random, messages, conversations or max(120, messages // 50), people))


def _write(random: Random, users: Sequence[UUID], rooms: Sequence[_Room]) -> Dataset:
    total = sum(room.size for room in rooms)
    with transaction.atomic():
        _copy("users", USER, (_user(place, user) for place, user in enumerate(users)))
        _copy("conversations", ROOM, (_room(room, users) for room in rooms))
        _copy("messages", MESSAGE, _messages(random, rooms, users, total))
        _copy("participants", SEAT, (seat for room in rooms for seat in _seats(random, room, users)))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE conversations c SET last_message_id = m.id, last_activity_at = m.sent_at"
                " FROM messages m WHERE m.conversation_id = c.id AND m.seq = c.last_seq"
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) users, conversations, participants, messages, mentions")
    return Dataset(total, len(users), len(rooms), _readers_seats(rooms, users))


def _rooms(random: Random, messages: int, number: int, users: Sequence[UUID]) -> list[_Room]:
    weights = [(place + 1) ** -0.9 for place in range(number)]
    share = messages / sum(weights)
    rooms = [
        _Room(uuid7(), max(1, round(weight * share)), [], _type(place))
        for place, weight in enumerate(weights)
    ]
    pairs: set[tuple[int, int]] = set()
    for place, room in enumerate(rooms):
        room.people = (
            _pair(random, pairs, len(users)) if room.type == "direct" else _crowd(random, place, len(users))
        )
    _seat_readers(random, [room for room in rooms if room.type == "group"])
    return rooms


def _type(place: int) -> str:
    return "direct" if place % 3 == 2 else "group"


def _pair(random: Random, taken: set[tuple[int, int]], users: int) -> list[int]:
    while (pair := tuple(sorted(random.sample(range(READERS, users), 2)))) in taken:
        continue
    taken.add((pair[0], pair[1]))
    return list(pair)


def _crowd(random: Random, place: int, users: int) -> list[int]:
    size = random.randint(3, 40 if place < 50 else 8)
    return random.sample(range(READERS, users), min(size, users - READERS))


def _seat_readers(random: Random, groups: Sequence[_Room]) -> None:
    """Each reader in the largest groups and in others picked at random."""
    for reader in range(READERS):
        largest, others = groups[: SEATS_OF_A_READER // 4], groups[SEATS_OF_A_READER // 4 :]
        picked = random.sample(others, min(SEATS_OF_A_READER - len(largest), len(others)))
        for room in (*largest, *picked):
            room.people.append(reader)


def _readers_seats(rooms: Iterable[_Room], users: Sequence[UUID]) -> list[Seat]:
    return [
        Seat(users[person], room.id, room.size)
        for room in rooms
        for person in room.people
        if person < READERS
    ]


USER = (
    "id",
    "password",
    "is_superuser",
    "username",
    "display_name",
    "avatar_url",
    "is_active",
    "is_staff",
    "date_joined",
)
ROOM = (
    "id", "type", "name", "avatar_url", "direct_key", "last_seq", "version", "facts_version", "participant_count",
    "created_at", "last_activity_at", "changed_at",
)  # fmt: skip
SEAT = (
    "conversation_id", "user_id", "role", "joined_at", "last_read_seq", "last_sent_seq", "notify", "version",
    "joined_version",
)  # fmt: skip
MESSAGE = (
    "conversation_id", "seq", "version", "created_version", "sender_id", "type", "content", "metadata", "mentions",
    "reply_count", "client_id", "sent_at", "deleted_at",
)  # fmt: skip


def _user(place: int, user: UUID) -> tuple[Any, ...]:
    return (user, "!", False, f"person-{place}", f"Person {place}", "", True, False, START)


def _room(room: _Room, users: Sequence[UUID]) -> tuple[Any, ...]:
    direct = room.type == "direct"
    key = Conversation.direct_key_of(*(users[person] for person in room.people)) if direct else None
    name = "" if direct else f"Room {room.id.hex[-6:]}"
    version = room.size + 1
    return (room.id, room.type, name, "", key, room.size, version, 1, len(room.people), START, START, START)


def _seats(random: Random, room: _Room, users: Sequence[UUID]) -> Iterator[tuple[Any, ...]]:
    """Most have read almost everything, some have been away for long."""
    for place, person in enumerate(room.people):
        sent = room.sent.get(person, 0)
        read = max(sent, room.size - int(random.expovariate(1 / 20)))
        role = "member" if room.type == "direct" or place else "owner"
        yield (room.id, users[person], role, START, read, sent, "all", 1, 1)


def _messages(
    random: Random, rooms: Sequence[_Room], users: Sequence[UUID], total: int
) -> Iterator[tuple[Any, ...]]:
    """In the order of time, so that the pages of one conversation lie apart in the table as they do in life."""
    order = [place for place, room in enumerate(rooms) for _ in range(room.size)]
    random.shuffle(order)
    for place, where in enumerate(order):
        room = rooms[where]
        room.last_seq += 1
        sender = random.choice(room.people)
        room.sent[sender] = room.last_seq
        yield _message(random, room, users[sender], START + SPAN * (place / total))


def _message(random: Random, room: _Room, sender: UUID, at: datetime) -> tuple[Any, ...]:
    seq, version = room.last_seq, room.last_seq + 1
    kind = random.random()
    deleted = at if kind < 0.02 else None
    content = "" if deleted else " ".join(random.choices(WORDS, k=random.randint(3, 30)))
    type_ = "system" if kind > 0.98 else "image" if kind > 0.97 else "text"
    return (room.id, seq, version, version, sender, type_, content, "{}", [], 0, None, at, deleted)


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
