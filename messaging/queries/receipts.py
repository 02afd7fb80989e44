"""Who has read a message."""

from typing import NamedTuple
from uuid import UUID

from conversations.queries.fragments import obj, user
from conversations.queries.routine import Routine
from messaging.queries.fragments import READABLE


class Receipt(NamedTuple):
    """Somebody who has read it: the JSON, and their place in the order, their id."""

    body: str
    user: UUID


NOBODY = UUID(int=0)  # before everybody
_READER = obj(user=user("u"), last_read_seq="p.last_read_seq")

# Who joined later counts as having read everything before, which says nothing about this message. By id, along the
# index of the access check: by place in the list of participants each page would sort all seats.
RECEIPTS = Routine(
    "message_receipts",
    uses=(
        "messages_unique_seq",
        "users_pkey",
    ),  # and participants_unique_user, or in small rooms any other of a room
    parameters={"viewer": "uuid", "conversation": "uuid", "seq": "bigint", "past": "uuid", "limit": "int"},
    returns={"body": "text", "reader": "uuid"},
    body=f"""
        SELECT page.body, page.user_id
        FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = %(seq)s
        LEFT JOIN LATERAL (
            SELECT p.user_id, {_READER} AS body
            FROM participants p JOIN users u ON u.id = p.user_id
            WHERE p.conversation_id = %(conversation)s AND p.user_id > %(past)s AND p.left_at IS NULL
            AND p.last_read_seq >= %(seq)s AND p.joined_version <= m.created_version
            AND p.user_id IS DISTINCT FROM m.sender_id
            ORDER BY p.user_id LIMIT %(limit)s) page ON true
        WHERE c.id = %(conversation)s AND {READABLE}
        ORDER BY page.user_id""",
)

ROUTINES = (RECEIPTS,)


def receipts(
    *, viewer: UUID, conversation_id: UUID, seq: int, limit: int, past: UUID = NOBODY
) -> list[Receipt] | None:
    """A page of those who take part and have read a message, without its sender, by their ids; None where there is no
    such message for the viewer's eyes. One statement.
    """
    found = RECEIPTS.call(viewer=viewer, conversation=conversation_id, seq=seq, past=past, limit=limit)
    return [Receipt(*line) for line in found if line[0] is not None] if found else None
