"""Moving messages in time."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

MOMENT = "interval '2 minutes'"  # after which an edited or deleted message is said to have been


def move(*, conversation: UUID, after: int, sent_at: Mapping[int, datetime]) -> None:
    """Sets the times of messages, named by seq, at the versions that follow `after`. Uses index: messages_unique_seq.

    Raw SQL: one statement, and the numbering of the versions, for any number of messages.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE messages m
            SET sent_at = moved.at, version = %(after)s::bigint + moved.place,
                edited_at = CASE WHEN m.edited_at IS NOT NULL THEN moved.at + {MOMENT} END,
                deleted_at = CASE WHEN m.deleted_at IS NOT NULL THEN moved.at + {MOMENT} END
            FROM unnest(%(seqs)s::bigint[], %(times)s::timestamptz[]) WITH ORDINALITY AS moved (seq, at, place)
            WHERE m.conversation_id = %(conversation)s::uuid AND m.seq = moved.seq""",
            {
                "conversation": conversation,
                "after": after,
                "seqs": list(sent_at),
                "times": list(sent_at.values()),
            },
        )
