"""How far webhooks have heard. Not by the ORM: one statement each, whatever the number of conversations."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection

from conversations.queries.statement import rows
from webhooks.records import Moved

_THEIRS = "AND c.business_id = %(business)s::text"


def begin(*, webhook: UUID, business_id: str | None) -> None:
    """From now on: what each conversation has come to counts as heard. One statement.

    Uses index: conversations_business for a business; without one it reads every conversation.
    """
    theirs = _THEIRS if business_id is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO webhook_cursors (webhook_id, conversation_id, version, known)
            SELECT %(webhook)s::uuid, c.id, c.version, c.version FROM conversations c
            WHERE c.deleted_at IS NULL {theirs}""",
            {"webhook": webhook, "business": business_id},
        )


def moved(*, webhook: UUID, business_id: str | None, since: datetime | None, limit: int) -> list[Moved]:
    """Conversations that changed since a moment and went on since the webhook heard of them, those first that waited
    longest. One that began and ended in between is never told of.

    Uses index: conversations_changed, webhook_cursors_unique; without `since` as `begin`.
    """
    theirs = _THEIRS if business_id is not None else ""
    lately = "AND c.changed_at > %(since)s::timestamptz" if since is not None else ""
    found = rows(
        f"""SELECT c.id, coalesce(k.version, 0), coalesce(k.known, 0), c.version, c.deleted_at IS NOT NULL
        FROM conversations c
        LEFT JOIN webhook_cursors k ON k.webhook_id = %(webhook)s::uuid AND k.conversation_id = c.id
        WHERE c.version > coalesce(k.version, 0) AND (c.deleted_at IS NULL OR k.id IS NOT NULL) {theirs} {lately}
        ORDER BY c.changed_at LIMIT %(limit)s::int""",
        {"webhook": webhook, "business": business_id, "since": since, "limit": limit},
    )
    return [Moved(*line) for line in found]


def advance(*, webhook: UUID, reached: Collection[tuple[UUID, int, int]]) -> None:
    """Notes `(conversation, version, known)`. One statement. Uses index: webhook_cursors_unique."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO webhook_cursors (webhook_id, conversation_id, version, known)
            SELECT %(webhook)s::uuid, r.* FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[], %(knowns)s::bigint[]) r
            ON CONFLICT (webhook_id, conversation_id)
            DO UPDATE SET version = excluded.version, known = excluded.known""",
            {
                "webhook": webhook,
                "ids": [conversation for conversation, _, _ in reached],
                "versions": [version for _, version, _ in reached],
                "knowns": [known for _, _, known in reached],
            },
        )
