"""What a message said before it was edited."""

from typing import NamedTuple
from uuid import UUID

from conversations.queries.fragments import obj, said, time
from conversations.queries.routine import Routine
from messaging.queries.fragments import READABLE


class Revision(NamedTuple):
    """Earlier words: the JSON, and their place in the order."""

    body: str
    version: int


class Revisions(NamedTuple):
    """A page of them, where the viewer may: `moderates` is False for whoever merely takes part."""

    moderates: bool
    page: list[Revision]


_REVISION = obj(
    version="r.version",
    content=said("r.content", "room"),
    written_at=time("r.written_at"),
    replaced_at=time("r.replaced_at"),
)
# Over conversations c: an admin or the owner, an agent, staff. Agents may answer for a business without a seat.
_MODERATES = """(EXISTS (SELECT FROM users v WHERE v.id = %(viewer)s AND v.is_staff)
    OR EXISTS (SELECT FROM participants p WHERE p.conversation_id = c.id AND p.user_id = %(viewer)s
               AND p.left_at IS NULL AND p.role IN ('owner', 'admin', 'agent'))
    OR (c.type = 'business' AND EXISTS (
        SELECT FROM business_agents g WHERE g.business_id = c.business_id AND g.user_id = %(viewer)s)))"""
_STAFF = "EXISTS (SELECT FROM users v WHERE v.id = %(viewer)s AND v.is_active AND v.is_staff)"

# No row: no such message for the viewer's eyes. A row of nulls beside `moderates`: nothing to show.
REVISIONS = Routine(
    "message_revisions",
    uses=("messages_unique_seq",),  # and message_revisions_unique, where there are some
    parameters={"viewer": "uuid", "conversation": "uuid", "seq": "bigint", "after": "bigint", "limit": "int"},
    returns={"moderates": "bool", "body": "text", "version": "bigint"},
    body=f"""
        SELECT room.moderates, page.body, page.version
        FROM (
            SELECT m.id, m.conversation_id, m.sender_id, m.client_id, {_MODERATES} AS moderates
            FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = %(seq)s
            WHERE c.id = %(conversation)s AND (({READABLE}) OR (c.deleted_at IS NULL AND {_STAFF}))
        ) room
        LEFT JOIN LATERAL (
            SELECT r.version, {_REVISION} AS body FROM message_revisions r
            WHERE r.message_id = room.id AND room.moderates AND r.version > %(after)s
            ORDER BY r.version LIMIT %(limit)s) page ON true
        ORDER BY page.version""",
)

ROUTINES = (REVISIONS,)


def revisions(
    *, viewer: UUID, conversation_id: UUID, seq: int, limit: int, after: int = 0
) -> Revisions | None:
    """A page of what a message said before, the earliest first; None where there is no such message for the viewer's
    eyes. One statement.
    """
    found = REVISIONS.call(viewer=viewer, conversation=conversation_id, seq=seq, after=after, limit=limit)
    if not found:
        return None
    return Revisions(found[0][0], [Revision(*line) for _, *line in found if line[0] is not None])
