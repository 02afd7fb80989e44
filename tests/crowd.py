"""A database full enough for the planner to care, filled in a few seconds."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connections

PEOPLE = 3_000
ROOMS = 2_000
SEATS = 20
MESSAGES = 80_000
BUSIEST = 2_000  # messages of the first conversation
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Crowd(NamedTuple):
    """Whom and what to ask for. `agent` answers for acme and sits in ten conversations."""

    alias: str
    agent: UUID
    busiest: UUID
    some: list[UUID]


def _id(kind: int, number: int) -> UUID:
    return UUID(int=(kind << 64) + number)


def _user(number: int) -> UUID:
    return _id(1, number)


def _room(number: int) -> UUID:
    return _id(2, number)


def fill(alias: str) -> Crowd:
    """Fills an empty, migrated database."""
    chance = random.Random(7)  # the same crowd every time
    _copy(alias, "users", _people())
    _copy(alias, "conversations", map(_conversation, range(ROOMS)))
    _copy(alias, "business_cases", [_case(number) for number in range(ROOMS) if number % 3 == 1])
    _copy(alias, "business_agents", _agents())
    _copy(alias, "participants", _seats(chance))
    _run(alias, MESSAGES_SQL)
    _copy(alias, "mentions", _mentions())
    _run(alias, NOTICES_SQL)
    _run(alias, BLOCKS_SQL)
    _run(alias, REVISIONS_SQL)
    _run(alias, "VACUUM (ANALYZE)")
    return Crowd(alias, _user(0), _room(0), [_room(number) for number in range(10)])


NOTICES_SQL = """INSERT INTO socket_notices (user_id, change, told_at)
SELECT u.id, 'signed_out', u.date_joined FROM users u"""
# Everybody by five others.
BLOCKS_SQL = """INSERT INTO blocks (user_id, blocked_id, blocked_at)
SELECT people.ids[1 + (one.place + other) % cardinality(people.ids)], one.id, now()
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM users) one, generate_series(1, 5) other,
    (SELECT array_agg(id ORDER BY id) AS ids FROM users) people"""
REVISIONS_SQL = """INSERT INTO message_revisions (message_id, version, content, written_at, replaced_at)
SELECT m.id, m.version + wording, 'before', m.sent_at, m.sent_at FROM messages m, generate_series(1, 3) wording
WHERE m.seq % 10 = 0"""
COLUMNS = {
    "users": "id, username, display_name, avatar_url, password, is_active, is_staff, is_superuser, date_joined",
    "conversations": "id, type, name, avatar_url, business_id, direct_key, last_seq, version, facts_version,"
    " participant_count, created_at, last_activity_at, changed_at",
    "business_cases": "conversation_id, status, priority, labels",
    "business_agents": "business_id, user_id, role",
    "participants": "conversation_id, user_id, role, joined_at, left_at, last_read_seq, last_sent_seq, notify, version,"
    " joined_version",
    "mentions": "conversation_id, user_id, seq",
}


# One in twenty an image, one in twenty a notice, one in fifty deleted.
MESSAGES_SQL = """
    INSERT INTO messages (conversation_id, seq, version, created_version, sender_id, type, content, metadata, mentions,
        reply_count, client_id, sent_at, deleted_at)
    SELECT c.id, seq, seq + 1, seq + 1, u.ids[1 + (seq * 7919 + c.last_seq) % cardinality(u.ids)],
        CASE WHEN seq % 20 = 3 THEN 'image' WHEN seq % 20 = 7 THEN 'system' ELSE 'text' END,
        'message ' || seq, '{}', '{}', 0, 'c' || seq,
        c.created_at + seq * interval '1 s', CASE WHEN seq % 50 = 9 THEN now() END
    FROM conversations c, LATERAL generate_series(1, c.last_seq) seq, (SELECT array_agg(id) AS ids FROM users) u"""


def _run(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)


def _copy(alias: str, table: str, rows: Iterable[Sequence[object]]) -> None:
    with (
        connections[alias].cursor() as cursor,
        cursor.copy(f"COPY {table} ({COLUMNS[table]}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _people() -> Iterable[Sequence[object]]:
    for number in range(PEOPLE):
        yield _user(number), f"user{number}", f"Person {number}", "", "!", True, False, False, BEGIN


def _length(number: int) -> int:
    return BUSIEST if number == 0 else (MESSAGES - BUSIEST) // (ROOMS - 1)


def _agents() -> Iterable[Sequence[object]]:
    """A hundred and one people, each for some of fifty businesses."""
    for number in range(101):
        for shop in range(number % 7, 50, 3):
            yield f"shop{shop}" if shop else "acme", _user(number), "agent"


def _conversation(number: int) -> Sequence[object]:
    kind = ("group", "business", "direct")[number % 3]
    business = f"shop{number % 50}" if number % 50 else "acme"
    length, at = _length(number), BEGIN + timedelta(minutes=number)
    return (
        _room(number),
        kind,
        f"Room {number}",
        "",
        business if kind == "business" else None,
        f"key{number}" if kind == "direct" else None,
        length,
        length + 1,
        1,
        SEATS,
        at,
        at,
        at,
    )


def _case(number: int) -> Sequence[object]:
    return _room(number), "open", "normal", []


def _seats(chance: random.Random) -> Iterable[Sequence[object]]:
    """The agent in every two hundred and fiftieth conversation, everybody else spread evenly."""
    for number in range(ROOMS):
        people = {0} if number % 250 == 0 else set()
        while len(people) < SEATS:
            people.add(chance.randrange(1, PEOPLE))
        for person in sorted(people):
            read = chance.randrange(_length(number) + 1)
            left = BEGIN if person and chance.random() < 0.4 else None
            yield _room(number), _user(person), "member", BEGIN, left, read, read + 1, "all", 1, 1


def _mentions() -> Iterable[Sequence[object]]:
    """Many in few conversations, as where people shout for everybody."""
    for number in range(20_000):
        yield _room(number % 200), _user(number // 200 % 10), number // 200 + 1
