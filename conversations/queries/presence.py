"""Whose presence somebody may know, and when people were last seen."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from conversations.queries.statement import rows

# Over users u: the viewer shares a live conversation with them, or a business: as its agents both, or as its agent
# and somebody who takes part in one of its cases. Each of the viewer's conversations is looked up once.
_KNOWN = """(
    u.id = %(viewer)s::uuid
    OR EXISTS (SELECT FROM participants t WHERE t.user_id = u.id AND t.left_at IS NULL
        AND t.conversation_id IN (SELECT conversation_id FROM mine))
    OR EXISTS (SELECT FROM business_agents g WHERE g.user_id = u.id
        AND g.business_id IN (SELECT business_id FROM answered))
    OR EXISTS (SELECT FROM participants t JOIN conversations c ON c.id = t.conversation_id
        WHERE t.user_id = u.id AND t.left_at IS NULL AND c.deleted_at IS NULL AND c.type = 'business'
        AND c.business_id IN (SELECT business_id FROM answered)))"""


def known_to(*, viewer: UUID, users: Iterable[UUID]) -> dict[UUID, datetime | None]:
    """Those of these users whose presence the viewer may know, and when each was last seen. One statement.

    Uses index: participants_user_live, conversations_pkey, business_agents_unique_user.
    """
    found = rows(
        f"""WITH mine AS MATERIALIZED (
            SELECT p.conversation_id FROM participants p JOIN conversations c ON c.id = p.conversation_id
            WHERE p.user_id = %(viewer)s::uuid AND p.left_at IS NULL AND c.deleted_at IS NULL),
        answered AS MATERIALIZED (SELECT business_id FROM business_agents WHERE user_id = %(viewer)s::uuid)
        SELECT u.id, s.seen_at FROM users u LEFT JOIN last_seen s ON s.user_id = u.id
        WHERE u.id = ANY(%(users)s::uuid[]) AND u.is_active
            AND EXISTS (SELECT FROM users v WHERE v.id = %(viewer)s::uuid AND v.is_active) AND {_KNOWN}""",
        {"viewer": viewer, "users": list(users)},
    )
    return dict(found)


def last_seen(users: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each of these users was last seen. One statement. Uses index: last_seen_pkey."""
    found = rows(
        "SELECT s.user_id, s.seen_at FROM last_seen s WHERE s.user_id = ANY(%(users)s::uuid[])",
        {"users": list(users)},
    )
    return dict(found)


def save_seen(ages: Mapping[UUID, float]) -> None:
    """Notes that each user was seen so many seconds ago; never moves back. One statement.

    In the order of ids, so that two processes do not wait for each other.
    """
    rows(
        """INSERT INTO last_seen AS s (user_id, seen_at)
        SELECT u.id, now() - make_interval(secs => n.age)
        FROM unnest(%(users)s::uuid[], %(ages)s::float8[]) AS n (id, age) JOIN users u ON u.id = n.id ORDER BY u.id
        ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at WHERE s.seen_at < excluded.seen_at
        RETURNING s.user_id""",
        {"users": list(ages), "ages": list(ages.values())},
    )
