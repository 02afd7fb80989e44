"""The answers to a message: its thread."""

from typing import NamedTuple
from uuid import UUID

from conversations.queries.routine import Routine
from messaging.queries.fragments import MESSAGE, READABLE


class Reply(NamedTuple):
    """An answer: its JSON and its place."""

    body: str
    seq: int


# A row of nulls for a message without answers: no row at all is a message that is not there.
REPLIES = Routine(
    "message_replies",
    uses=("messages_unique_seq", "messages_replies"),
    parameters={"viewer": "uuid", "conversation": "uuid", "seq": "bigint", "after": "bigint", "limit": "int"},
    returns={"body": "text", "seq": "bigint"},
    body=f"""
        SELECT page.body, page.seq
        FROM conversations c JOIN messages parent ON parent.conversation_id = c.id AND parent.seq = %(seq)s
        LEFT JOIN LATERAL (
            SELECT m.seq, {MESSAGE} AS body
            FROM messages m LEFT JOIN users u ON u.id = m.sender_id
            WHERE m.conversation_id = %(conversation)s AND m.reply_to_seq = %(seq)s AND m.seq > %(after)s
            AND m.deleted_at IS NULL
            ORDER BY m.seq LIMIT %(limit)s) page ON true
        WHERE c.id = %(conversation)s AND {READABLE}
        ORDER BY page.seq""",
)

ROUTINES = (REPLIES,)


def replies(
    *, viewer: UUID, conversation_id: UUID, seq: int, limit: int, after: int = 0
) -> list[Reply] | None:
    """A page of the answers that still stand, ascending; None where there is no such message for the viewer's eyes.

    One statement.
    """
    found = REPLIES.call(viewer=viewer, conversation=conversation_id, seq=seq, after=after, limit=limit)
    return [Reply(*line) for line in found if line[0] is not None] if found else None
