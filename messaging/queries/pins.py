"""The pinned messages of a conversation."""

from uuid import UUID

from conversations.queries.routine import Routine
from messaging.queries.fragments import MESSAGE, READABLE

# A row of nulls for a conversation without pins: no row at all is one that is not there.
PINS = Routine(
    "conversation_pins",
    uses=("messages_unique_seq",),
    parameters={"viewer": "uuid", "conversation": "uuid"},
    returns={"body": "text"},
    body=f"""
        SELECT page.body
        FROM conversations c LEFT JOIN LATERAL (
            SELECT pinned.place, {MESSAGE} AS body
            FROM unnest(c.pins) WITH ORDINALITY pinned (seq, place)
            JOIN messages m ON m.conversation_id = c.id AND m.seq = pinned.seq
            LEFT JOIN users u ON u.id = m.sender_id) page ON true
        WHERE c.id = %(conversation)s AND {READABLE}
        ORDER BY page.place DESC""",
)

ROUTINES = (PINS,)


def pins(*, viewer: UUID, conversation_id: UUID) -> list[str] | None:
    """The pinned messages, the one pinned last first; None where the viewer may not. One statement."""
    found = PINS.call(viewer=viewer, conversation=conversation_id)
    return [body for (body,) in found if body is not None] if found else None
