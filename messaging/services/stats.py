"""Numbers of a conversation."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from conversations import replica
from conversations.kept import kept
from conversations.queries import stamps
from messaging.queries import changes, stats


def conversation_stats(*, viewer: UUID, conversation_id: UUID, days: int) -> str | None:
    """Messages of the last `days` days (UTC, today included), or None where the viewer may not read them.

    The right, and the version under which the numbers are kept, are read from PostgreSQL each time.
    """
    version = changes.head(viewer=viewer, conversation_id=conversation_id)
    if version is None:
        return None
    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    return kept(
        f"stats:{conversation_id}:{version}:{since}",
        lambda: replica.read(
            lambda: stamps.conversation(viewer=viewer, conversation_id=conversation_id),
            lambda: stats.conversation_stats(conversation_id=conversation_id, since=since),
        ),
    )
