"""What was kept of one person in what webhooks are sent: by batches of ids, since no index knows whom a text names.

By the text: a payload may hold words that lie sealed, and is no JSON then. What somebody wrote can look like none of
it, since quotes in there are escaped. Uses index: webhook_deliveries_pkey.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db import connection

from conversations.queries.fragments import user
from conversations.queries.statement import one

BATCH: Final = 1_000  # deliveries of a statement

_TEXT = r'"([^"\\]|\\.)*"'
_PERSON = (
    rf'[{{]"id":"%s","kaha_id":(null|{_TEXT}),"username":{_TEXT},'
    rf'"display_name":{_TEXT},"avatar_url":(null|{_TEXT})[}}]'
)
_NAMED = rf',"name":{_TEXT},"avatar_url":(null|{_TEXT}),'
_NAMELESS = ',"name":"","avatar_url":null,'
# OFFSET 0 has each looked up by itself: a plan that reads all messages instead never ends where there are many.
_MESSAGE = """SELECT m.id, m.type, m.sender_id, m.deleted_at,
        m.sender_id = %(person)s::uuid OR m.metadata->>'assignee' = %(person)s::text AS names_them,
        told.version < m.version OR c.deleted_at IS NOT NULL AS anew
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.conversation_id = told.conversation_id AND m.seq = told.seq OFFSET 0"""
_BATCH = "d.id > %(after)s::bigint AND d.id <= %(until)s::bigint"


def until(after: int) -> int | None:
    """Where the batch after an id ends; None where there is none."""
    found = one(
        f"""SELECT max(id) FROM (
            SELECT id FROM webhook_deliveries WHERE id > %(after)s::bigint ORDER BY id LIMIT {BATCH}) page""",
        {"after": after},
    )
    return found[0]  # type: ignore[no-any-return]


def forget_messages(person: UUID, *, after: int, until: int) -> int:
    """Empties those of messages of theirs that are gone, or were purged, and those of notices that named them and were
    said again since; how many. What waits is not sent.

    Uses index: messages_unique_seq.
    """
    return _write(
        f"""WITH told AS MATERIALIZED (
            SELECT d.id, d.conversation_id, d.seq, d.version, d.payload LIKE %(sent)s::text AS by_them
            FROM webhook_deliveries d
            WHERE {_BATCH} AND d.seq IS NOT NULL AND d.event <> 'message.deleted' AND d.payload <> ''
        )
        UPDATE webhook_deliveries d SET payload = '', settled_at = coalesce(d.settled_at, clock_timestamp()),
            state = CASE d.state WHEN 'pending' THEN 'withdrawn' ELSE d.state END
        FROM told LEFT JOIN LATERAL ({_MESSAGE}) m ON true
        WHERE d.id = told.id AND d.payload <> ''
          AND CASE WHEN m.id IS NULL THEN told.by_them WHEN m.type = 'system' THEN m.names_them AND m.anew
              ELSE m.sender_id = %(person)s::uuid AND m.deleted_at IS NOT NULL END""",
        {"after": after, "until": until, "person": person, "sent": f'%"sender":{{"id":"{person}"%'},
    )


def rename(person: UUID, *, after: int, until: int) -> int:
    """Puts an account as it is now in the place of what it was; in how many it was another."""
    return _write(
        f"""WITH told AS (
            SELECT d.id, regexp_replace(d.payload, %(pattern)s::text, {user("u")}, 'g') AS payload
            FROM webhook_deliveries d, users u
            WHERE {_BATCH} AND u.id = %(person)s::uuid AND d.payload LIKE %(named)s::text FOR NO KEY UPDATE OF d
        )
        UPDATE webhook_deliveries d SET payload = told.payload
        FROM told WHERE d.id = told.id AND d.payload <> told.payload""",
        {
            "after": after,
            "until": until,
            "person": person,
            "pattern": _PERSON % person,
            "named": f'%{{"id":"{person}"%',
        },
    )


def unname(person: UUID, *, after: int, until: int) -> int:
    """Takes off the names of conversations that lost theirs with this person; of how many.

    Uses index: participants_unique_user.
    """
    return _write(
        f"""WITH told AS (
            SELECT d.id, regexp_replace(d.payload, %(pattern)s::text, %(nameless)s::text) AS payload
            FROM webhook_deliveries d
            JOIN conversations c ON c.id = d.conversation_id AND c.name = '' AND c.avatar_url = ''
            JOIN participants p ON p.conversation_id = c.id AND p.user_id = %(person)s::uuid
            WHERE {_BATCH} AND starts_with(d.event, 'conversation.')
              AND (p.role = 'customer' OR c.participant_count = 0) FOR NO KEY UPDATE OF d
        )
        UPDATE webhook_deliveries d SET payload = told.payload
        FROM told WHERE d.id = told.id AND d.payload <> told.payload""",
        {"after": after, "until": until, "person": person, "pattern": _NAMED, "nameless": _NAMELESS},
    )


def _write(statement: str, values: Mapping[str, UUID | int | str]) -> int:
    """How many rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
