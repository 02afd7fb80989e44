"""What is to be sent next."""

from uuid import UUID

from django.db import connection

from conversations.queries.statement import row, rows
from webhooks.records import Claimed

# The first that waits in its conversation, claimed or not: nothing of a conversation overtakes what came before it.
_NEXT = """SELECT d.id FROM webhook_deliveries d
    WHERE d.webhook_id = {webhook} AND d.state = 'pending' AND d.due_at <= clock_timestamp() AND NOT EXISTS (
        SELECT FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id AND e.conversation_id = d.conversation_id
        AND e.state = 'pending' AND e.id < d.id)
    ORDER BY d.id LIMIT 1"""


def claim(*, webhook: UUID, for_s: float) -> Claimed | None:
    """Takes the oldest that is due, for so long; nobody else gets it, nor what comes after it in its conversation. One
    statement, its own transaction. Uses index: webhook_deliveries_pending, messages_unique_seq."""
    found = row(
        f"""UPDATE webhook_deliveries SET attempts = attempts + 1,
            due_at = clock_timestamp() + make_interval(secs => %(for_s)s::float8)
        WHERE id = ({_NEXT.format(webhook="%(webhook)s::uuid")} FOR UPDATE SKIP LOCKED)
        RETURNING id, key, payload, attempts, event <> 'message.deleted' AND EXISTS (
            SELECT FROM messages m WHERE m.conversation_id = webhook_deliveries.conversation_id
            AND m.seq = webhook_deliveries.seq AND m.deleted_at IS NOT NULL)""",
        {"webhook": webhook, "for_s": for_s},
    )
    return Claimed(*found) if found else None


def forget() -> None:
    """Empties what tells of messages taken back, of webhooks that are off: others are told of it, and forget then.
    Uses index: messages_unique_seq."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE webhook_deliveries d SET payload = '', settled_at = coalesce(d.settled_at, clock_timestamp()),
                state = CASE d.state WHEN 'pending' THEN 'withdrawn' ELSE d.state END
            FROM webhooks w, messages m
            WHERE w.id = d.webhook_id AND w.disabled_at IS NOT NULL
              AND d.seq IS NOT NULL AND d.event <> 'message.deleted' AND d.payload <> ''
              AND m.conversation_id = d.conversation_id AND m.seq = d.seq AND m.deleted_at IS NOT NULL"""
        )


def due() -> list[UUID]:
    """Webhooks that have something to send and nobody at it. Uses index: webhook_deliveries_pending."""
    found = rows(
        f"""SELECT w.id FROM webhooks w
        WHERE w.disabled_at IS NULL AND w.busy_until <= clock_timestamp()
          AND EXISTS ({_NEXT.format(webhook="w.id")})
        ORDER BY w.id""",
        {},
    )
    return [webhook for (webhook,) in found]
