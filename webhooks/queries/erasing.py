"""What was kept of one person in what webhooks are sent."""

from typing import Final
from uuid import UUID

from django.db import connection

from conversations.queries.fragments import user
from conversations.queries.statement import one

BATCH: Final = 1_000  # ids of a statement

_TEXT = r'"([^"\\]|\\.)*"'
_PERSON = (
    rf'[{{]"id":"%s","kaha_id":(null|{_TEXT}),"username":{_TEXT},'
    rf'"display_name":{_TEXT},"avatar_url":(null|{_TEXT})[}}]'
)


def last_id() -> int:
    """The highest id of a delivery."""
    return int(one("SELECT coalesce(max(id), 0) FROM webhook_deliveries", {})[0])


def forget_messages(person: UUID, *, after: int) -> int:
    """Empties, of the next deliveries, those of messages of theirs that are gone; how many. What waits is not sent.

    Uses index: webhook_deliveries_pkey, messages_unique_seq.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE webhook_deliveries d SET payload = '', settled_at = coalesce(d.settled_at, clock_timestamp()),
                state = CASE d.state WHEN 'pending' THEN 'withdrawn' ELSE d.state END
            FROM messages m
            WHERE d.id > %(after)s::bigint AND d.id <= %(after)s::bigint + {BATCH}
              AND d.seq IS NOT NULL AND d.event <> 'message.deleted' AND d.payload <> ''
              AND m.conversation_id = d.conversation_id AND m.seq = d.seq
              AND m.sender_id = %(person)s::uuid AND m.deleted_at IS NOT NULL""",
            {"after": after, "person": person},
        )
        return int(cursor.rowcount)


def rename(person: UUID, *, after: int) -> int:
    """Puts an account as it is now in the place of what it was, in the next deliveries; in how many it was another.

    By the text: a payload may hold words that lie sealed, and is no JSON then. Uses index: webhook_deliveries_pkey.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH told AS (
                SELECT d.id, regexp_replace(d.payload, %(pattern)s::text, {user("u")}, 'g') AS payload
                FROM webhook_deliveries d, users u
                WHERE d.id > %(after)s::bigint AND d.id <= %(after)s::bigint + {BATCH}
                  AND u.id = %(person)s::uuid AND d.payload LIKE %(named)s::text FOR NO KEY UPDATE OF d
            )
            UPDATE webhook_deliveries d SET payload = told.payload
            FROM told WHERE d.id = told.id AND d.payload <> told.payload""",
            {
                "after": after,
                "person": person,
                "pattern": _PERSON % person,
                "named": f'%{{"id":"{person}"%',
            },
        )
        return int(cursor.rowcount)
