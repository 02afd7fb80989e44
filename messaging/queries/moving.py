"""What an import adds to messages that it has just written, before anybody has seen them."""

from collections.abc import Mapping
from uuid import UUID

from conversations.queries.statement import one, rows


def decorate(*, conversation: UUID, lines: str) -> dict[int, int]:
    """Gives new messages what they answer, when they were edited, whom they name, and their reactions.

    `lines` is JSON: `[{seq, reply_to, edited, mentions, reactions}]`. No versions: nobody has seen them. Returns ids
    by seq. Raw SQL: one statement for any number of them. Uses index: messages_unique_seq.
    """
    found = rows(
        """UPDATE messages m
        SET reply_to_seq = line.reply_to, edited_at = line.edited, mentions = line.mentions, reactions = line.reactions
        FROM jsonb_to_recordset(%(lines)s::jsonb)
            AS line (seq bigint, reply_to bigint, edited timestamptz, mentions uuid[], reactions jsonb)
        WHERE m.conversation_id = %(conversation)s::uuid AND m.seq = line.seq
        RETURNING m.seq, m.id""",
        {"conversation": conversation, "lines": lines},
    )
    return dict(found)


def count_replies(*, conversation: UUID, answered: Mapping[int, int], seen: int) -> int:
    """Adds to the reply_count of messages, by seq; those up to `seen` are changed for people who have seen them.

    Each of these takes a version. Returns the conversation's. The caller holds its lock. Raw SQL: one statement for
    any number of them. Uses index: messages_unique_seq, conversations_pkey.
    """
    (version,) = one(
        """
        WITH answered AS (
            SELECT a.seq, a.number, c.version + CASE WHEN a.seq <= %(seen)s::bigint
                THEN count(*) FILTER (WHERE a.seq <= %(seen)s::bigint) OVER (ORDER BY a.seq) END AS version
            FROM conversations c, unnest(%(seqs)s::bigint[], %(numbers)s::int[]) AS a (seq, number)
            WHERE c.id = %(conversation)s::uuid
        ), counted AS (
            UPDATE messages m
            SET reply_count = m.reply_count + a.number, version = coalesce(a.version, m.version)
            FROM answered a WHERE m.conversation_id = %(conversation)s::uuid AND m.seq = a.seq
            RETURNING m.id
        )
        UPDATE conversations c SET changed_at = clock_timestamp(),
            version = greatest(c.version, (SELECT max(a.version) FROM answered a))
        WHERE c.id = %(conversation)s::uuid
        RETURNING c.version""",
        {
            "conversation": conversation,
            "seqs": list(answered),
            "numbers": list(answered.values()),
            "seen": seen,
        },
    )
    return int(version)
