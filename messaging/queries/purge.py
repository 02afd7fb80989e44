"""What was deleted long ago: how much of it there is, and statements that let it go."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from conversations.queries.statement import one

BATCH = 1_000  # rows of a transaction


class Due(NamedTuple):
    """Conversations that go, with so many messages; and deleted messages elsewhere that still have a client_id."""

    conversations: int
    messages: int
    client_ids: int


def due(before: datetime) -> Due:
    """What was deleted before a moment. One statement. Uses index: conversations_deleted, messages_deleted."""
    return Due(
        *one(
            """SELECT count(*), coalesce(sum(c.last_seq), 0)::bigint, (
                SELECT count(*) FROM messages m JOIN conversations o ON o.id = m.conversation_id
                WHERE m.deleted_at < %(before)s::timestamptz AND m.client_id IS NOT NULL
                AND (o.deleted_at IS NULL OR o.deleted_at >= %(before)s::timestamptz))
            FROM conversations c WHERE c.deleted_at < %(before)s::timestamptz""",
            {"before": before},
        )
    )


def forget_client_ids(before: datetime) -> int:
    """Of a thousand messages deleted before a moment; returns of how many. One statement. Uses index: messages_deleted.

    Raw SQL: a bounded UPDATE that steps around rows in use is none that the ORM writes.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH due AS (
                SELECT id FROM messages WHERE deleted_at < %(before)s::timestamptz AND client_id IS NOT NULL
                ORDER BY deleted_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
            )
            UPDATE messages m SET client_id = NULL FROM due WHERE m.id = due.id""",
            {"before": before},
        )
        return int(cursor.rowcount)


def uncount_replies(*, conversation: UUID, after: int) -> None:
    """Takes the answers numbered beyond `after` off the messages before it. One statement.

    Uses index: messages_unique_seq.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE messages m SET reply_count = m.reply_count - answers.number
            FROM (
                SELECT r.reply_to_seq AS seq, count(*) AS number FROM messages r
                WHERE r.conversation_id = %(conversation)s::uuid AND r.seq > %(after)s::bigint
                AND r.reply_to_seq <= %(after)s::bigint AND r.deleted_at IS NULL GROUP BY r.reply_to_seq
            ) answers
            WHERE m.conversation_id = %(conversation)s::uuid AND m.seq = answers.seq""",
            {"conversation": conversation, "after": after},
        )
