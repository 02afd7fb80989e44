"""What a socket begins with."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from conversations.queries.fragments import user
from conversations.queries.routine import Routine
from conversations.queries.statement import row


class Opening(NamedTuple):
    """Whose socket it is (JSON), the version of each of their conversations, and the businesses they answer for."""

    user: str
    heads: dict[str, int]
    businesses: Sequence[str]


OPENING = Routine(
    "socket_opening",
    uses=("users_pkey", "participants_user_live", "conversations_pkey"),
    parameters={"viewer": "uuid", "session": "text"},
    returns={"account": "text", "heads": "text", "businesses": "text[]"},
    body=f"""
        SELECT {user("v")}::text,
            coalesce((SELECT json_object_agg(c.id, c.version)
                FROM participants p JOIN conversations c ON c.id = p.conversation_id
                WHERE p.user_id = v.id AND p.left_at IS NULL AND c.deleted_at IS NULL), '{{}}')::text,
            coalesce((SELECT array_agg(g.business_id::text) FROM business_agents g WHERE g.user_id = v.id), '{{}}')
        FROM users v WHERE v.id = %(viewer)s AND v.is_active
            AND NOT EXISTS (SELECT FROM socket_notices n WHERE n.session = %(session)s)""",
)

ROUTINES = (OPENING,)


def opening(viewer: UUID, session: str | None) -> Opening | None:
    """One statement; None for an account that is closed or gone, or a session that was ended."""
    found = OPENING.first(viewer=viewer, session=session)
    return Opening(found[0], orjson.loads(found[1]), found[2]) if found else None


def ended(session: str) -> bool:
    """Whether a session was ended lately: for as long as its access tokens may last. One statement."""
    return (
        row(
            "SELECT 1 FROM socket_notices n WHERE n.session = %(session)s::text LIMIT 1", {"session": session}
        )
        is not None
    )
