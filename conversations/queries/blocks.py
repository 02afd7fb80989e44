"""Whom somebody has blocked."""

from typing import NamedTuple
from uuid import UUID

from conversations.queries.fragments import user
from conversations.queries.routine import Routine

FIRST = UUID(int=0)


class Blocked(NamedTuple):
    """Somebody blocked: the JSON, and their place in the order, their id."""

    body: str
    id: UUID


# A row of nulls for whoever has blocked nobody: no row at all is an account that is closed.
BLOCKS = Routine(
    "blocks",
    uses=("users_pkey",),  # and blocks_unique, where there are some
    parameters={"viewer": "uuid", "past": "uuid", "limit": "int"},
    returns={"body": "text", "id": "uuid"},
    body=f"""
        SELECT page.body, page.blocked_id
        FROM users v LEFT JOIN LATERAL (
            SELECT b.blocked_id, {user("u")} AS body FROM blocks b JOIN users u ON u.id = b.blocked_id
            WHERE b.user_id = %(viewer)s AND b.blocked_id > %(past)s
            ORDER BY b.blocked_id LIMIT %(limit)s) page ON true
        WHERE v.id = %(viewer)s AND v.is_active
        ORDER BY page.blocked_id""",
)

ROUTINES = (BLOCKS,)


def blocks(*, viewer: UUID, limit: int, past: UUID = FIRST) -> list[Blocked] | None:
    """A page of whom somebody has blocked, by their ids; None for a closed account. One statement."""
    found = BLOCKS.call(viewer=viewer, past=past, limit=limit)
    return [Blocked(*line) for line in found if line[0] is not None] if found else None
