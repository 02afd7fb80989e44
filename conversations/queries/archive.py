"""Quiet conversations, and putting them away for those who have read everything."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conversations.models import Conversation
from conversations.queries.fragments import ARCHIVED, UNREAD
from conversations.queries.statement import one

AT_ONCE = 100  # conversations of a statement, which is a transaction; a group has some hundreds of seats


class Step(NamedTuple):
    """How many seats one statement put away, and the conversation that it ended with; None at the end."""

    seats: int
    at: datetime | None
    id: UUID | None


# The quietest come last: a run that is cut short has done what is new. A seat that somebody holds is stepped around.
_DUE = f"""quiet AS MATERIALIZED (
        SELECT c.* FROM conversations c
        WHERE c.type = %(type)s::text AND c.last_activity_at < %(before)s::timestamptz
        AND (%(id)s::uuid IS NULL OR (c.last_activity_at, c.id) < (%(at)s::timestamptz, %(id)s::uuid))
        ORDER BY c.last_activity_at DESC, c.id DESC LIMIT %(limit)s::int
    ), due AS (
        SELECT p.id FROM quiet c JOIN participants p ON p.conversation_id = c.id
        WHERE c.deleted_at IS NULL AND p.left_at IS NULL AND p.pinned_at IS NULL AND NOT {ARCHIVED} AND {UNREAD} = 0
        FOR UPDATE OF p SKIP LOCKED
    )"""
_LAST = """SELECT (SELECT count(*) FROM {counted}), q.last_activity_at, q.id
    FROM (SELECT 1) always LEFT JOIN (
        SELECT last_activity_at, id FROM quiet ORDER BY last_activity_at, id LIMIT 1) q ON true"""
# Raw SQL: what is due, its keyset and the change are one statement. Uses index: conversations_type_activity,
# participants_unique_user, messages_uncounted.
_LOOK = f"WITH {_DUE} {_LAST.format(counted='due')}"
_PUT_AWAY = f"""WITH {_DUE}, put AS (
        UPDATE participants p SET archived_at = clock_timestamp() FROM due WHERE p.id = due.id RETURNING p.id
    ) {_LAST.format(counted="put")}"""


def archive(*, before: datetime, look: bool = False) -> Iterator[int]:
    """Puts away what has been quiet since before a moment; yields how many seats each transaction did.

    `look` only counts them.
    """
    for kind in Conversation.Type.values:
        step = Step(0, None, None)
        while True:
            given = {"type": kind, "before": before, "at": step.at, "id": step.id, "limit": AT_ONCE}
            step = Step(*one(_LOOK if look else _PUT_AWAY, given))
            if step.id is None:
                break
            yield step.seats
