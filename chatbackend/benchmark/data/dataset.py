"""What there is to ask for, read back from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from conversations.queries.statement import one, rows

READERS = 20  # accounts to read and write with
TYPICAL = 50  # conversations of a reader
LARGEST = 10  # conversations to page deep in


class Seat(NamedTuple):
    """A person in one of their conversations, which holds `messages`."""

    user: UUID
    conversation: UUID
    messages: int


class Desk(NamedTuple):
    """An agent of a business."""

    user: UUID
    business: str


# Uses no index: once a run.
_READERS = """
    SELECT p.user_id, c.id, c.last_seq
    FROM (SELECT user_id FROM participants WHERE left_at IS NULL GROUP BY user_id
          ORDER BY abs(count(*) - %(typical)s::int), user_id LIMIT %(readers)s::int) reader
    JOIN participants p ON p.user_id = reader.user_id AND p.left_at IS NULL
    JOIN conversations c ON c.id = p.conversation_id
    ORDER BY c.last_seq DESC, c.id, p.user_id"""
_LARGEST = """
    SELECT p.user_id, c.id, c.last_seq
    FROM (SELECT * FROM conversations ORDER BY last_seq DESC, id LIMIT %(largest)s::int) c,
    LATERAL (SELECT user_id FROM participants p WHERE p.conversation_id = c.id AND p.left_at IS NULL
             ORDER BY user_id LIMIT 1) p
    ORDER BY c.last_seq DESC, c.id"""
_DESKS = """
    SELECT DISTINCT ON (g.business_id) g.user_id, g.business_id
    FROM (SELECT business_id FROM conversations WHERE business_id IS NOT NULL GROUP BY 1
          ORDER BY count(*) DESC, 1 LIMIT %(largest)s::int) b
    JOIN business_agents g USING (business_id)
    ORDER BY g.business_id, g.user_id"""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`seats` are all those of twenty people with about fifty each, the largest conversations first; `largest` one seat
    in each of the ten largest conversations; `desks` one agent of each of the ten busiest businesses."""

    messages: int
    users: int
    conversations: int
    seats: Sequence[Seat]
    largest: Sequence[Seat]
    desks: Sequence[Desk]

    @classmethod
    def read(cls, using: str = "default") -> "Dataset":
        """Of a database that `fill` filled."""
        messages, users, conversations = one(
            """SELECT (SELECT sum(last_seq)::bigint FROM conversations), (SELECT count(*) FROM users),
            (SELECT count(*) FROM conversations)""",
            {},
            using=using,
        )
        seats = rows(_READERS, {"typical": TYPICAL, "readers": READERS}, using=using)
        largest = rows(_LARGEST, {"largest": LARGEST}, using=using)
        desks = rows(_DESKS, {"largest": LARGEST}, using=using)
        return cls(
            messages=messages,
            users=users,
            conversations=conversations,
            seats=[Seat(*seat) for seat in seats],
            largest=[Seat(*seat) for seat in largest],
            desks=[Desk(*desk) for desk in desks],
        )
