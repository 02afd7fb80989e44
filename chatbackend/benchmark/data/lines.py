"""Rows as lines of COPY's text format: none of our values needs escaping."""

from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random

from chatbackend.benchmark.data.rooms import Room, Shape
from chatbackend.benchmark.data.vocabulary import talk
from conversations.models import Conversation

NULL = r"\N"
SPAN = timedelta(days=365)

COLUMNS = {
    "users": "id, password, is_superuser, username, display_name, avatar_url, is_active, is_staff, date_joined",
    "conversations": "id, type, name, avatar_url, business_id, direct_key, last_seq, version, facts_version,"
    " participant_count, last_message_id, created_at, last_activity_at, changed_at",
    "business_agents": "business_id, user_id, role",
    "business_cases": "conversation_id, status, assignee_id, priority, labels, resolved_at",
    "participants": "conversation_id, user_id, role, joined_at, left_at, last_read_seq, last_sent_seq, notify, version,"
    " joined_version",
    "messages": "id, conversation_id, seq, version, created_version, sender_id, type, content, metadata, mentions,"
    " reply_count, client_id, sent_at, deleted_at",
    "mentions": "conversation_id, user_id, seq",
}
_LABELS = ("billing", "delivery", "refund", "question")
_MEDIA = ("image", "image", "image", "file", "audio", "video", "location")


def line(*values: object) -> str:
    """One row."""
    return "\t".join(map(str, values)) + "\n"


def business_id(number: int) -> str:
    """What a business is called."""
    return f"business-{number}"


def users(shape: Shape, begin: datetime) -> Iterator[str]:
    for place, user in enumerate(shape.users):
        yield line(user, "!", "f", f"person-{place}", f"Person {place}", "", "t", "f", begin)


def agents(shape: Shape) -> Iterator[str]:
    for business, people in enumerate(shape.agents):
        for place, person in enumerate(people):
            yield line(business_id(business), shape.users[person], "agent" if place else "owner")


def messages(random: Random, shape: Shape, begin: datetime, mentioned: list[str]) -> Iterator[str]:
    """In the order of time, so that the pages of a conversation lie apart in the table as they do in life.

    Leaves in each room what its last message was, and in `mentioned` the rows of mentions.
    """
    order = array("I", (place for place, room in enumerate(shape.rooms) for _ in range(room.size)))
    random.shuffle(order)
    ids, words, step = [str(user) for user in shape.users], talk(random), SPAN / (len(order) + 1)
    names = [str(room.id) for room in shape.rooms]
    for number, where in enumerate(order, start=1):
        room = shape.rooms[where]
        at = str(begin + step * number)
        seq = room.last_seq = room.last_seq + 1
        room.last_id, room.last_at = number, at
        person = room.people[int(random.random() ** 2 * len(room.people))]  # the first talk most
        kind, content, deleted, named = random.random(), "", NULL, "{}"
        type = "text" if kind < 0.965 else "system" if kind < 0.975 else _MEDIA[number % 7]
        if kind < 0.02:
            deleted = at
        else:
            content = " ".join(islice(words, 1 + int(random.expovariate(0.1))))
            if kind > 0.955 and type == "text" and len(room.people) > 2:
                whom = ids[room.people[seq % len(room.people)]]
                if whom != ids[person]:
                    named = f"{{{whom}}}"
                    mentioned.append(f"{names[where]}\t{whom}\t{seq}\n")
        if type != "system":
            room.sent[person] = seq
        client = NULL if type == "system" else f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"
        yield (
            f"{number}\t{names[where]}\t{seq}\t{seq + 1}\t{seq + 1}\t{ids[person]}\t{type}\t{content}\t{{}}\t{named}\t0"
            f"\t{client}\t{at}\t{deleted}\n"
        )


def conversations(shape: Shape, begin: datetime) -> Iterator[str]:
    """After the messages, of which they know the last."""
    for place, room in enumerate(shape.rooms):
        direct = room.type == "direct"
        pair = [shape.users[person] for person in room.people]
        yield line(
            room.id,
            room.type,
            "" if direct else f"Room {place}",
            "",
            NULL if room.business is None else business_id(room.business),
            Conversation.direct_key_of(*pair) if direct else NULL,
            room.last_seq,
            _version(room),
            1,
            len(room.people) - len(room.gone),
            room.last_id,
            begin,
            room.last_at,
            room.last_at,
        )


def _version(room: Room) -> int:
    """One for its making, one for each message, one for each that left."""
    return 1 + room.last_seq + len(room.gone)


def cases(random: Random, shape: Shape) -> Iterator[str]:
    for room in shape.rooms:
        if room.business is None:
            continue
        status = random.choices(("open", "pending", "resolved"), (3, 1, 6))[0]
        assignee = shape.users[room.people[1]] if random.random() < 0.7 else NULL
        priority = random.choices(("low", "normal", "high", "urgent"), (2, 6, 2, 1))[0]
        labels = "{" + ",".join(random.sample(_LABELS, random.randint(0, 2))) + "}"
        yield line(
            room.id, status, assignee, priority, labels, room.last_at if status == "resolved" else NULL
        )


def participants(random: Random, shape: Shape, begin: datetime) -> Iterator[str]:
    """Most have read almost everything, one in ten has been away for long, a few have left."""
    for room in shape.rooms:
        leaving = room.last_seq + 1
        for place, person in enumerate(room.people):
            gone = person in room.gone
            leaving += gone
            sent = room.sent.get(person, 0)
            yield line(
                room.id,
                shape.users[person],
                _role(room, place),
                begin,
                room.last_at if gone else NULL,
                max(sent, _read(random, room.last_seq)),
                sent,
                "all",
                leaving if gone else 1,
                1,
            )


def _role(room: Room, place: int) -> str:
    if room.type == "business":
        return "agent" if place else "customer"
    return "owner" if room.type == "group" and not place else "member"


def _read(random: Random, last_seq: int) -> int:
    if random.random() < 0.1:
        return random.randint(0, last_seq)
    return max(0, last_seq - int(random.expovariate(1 / 20)))


def blocks(rows: Iterable[str], size: int = 5_000) -> Iterator[str]:
    """Rows joined, so that each is not a call."""
    iterator = iter(rows)
    while block := "".join(islice(iterator, size)):
        yield block
