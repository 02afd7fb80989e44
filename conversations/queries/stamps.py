"""How far a server is, as to what one person may read: two servers with the same stamp answer alike.

A version covers what was said and changed in a conversation. `xmin`, the transaction that wrote a row, covers accounts
and seats, whose changes do not all have a version; a streaming replica has the same rows with the same xmin, or older.
"""

from uuid import UUID

from conversations.queries.routine import Routine
from conversations.queries.statement import one

# The same rule as READABLE in messaging and ConversationQuerySet.visible_to: null where the viewer may not.
CONVERSATION = Routine(
    "conversation_stamp",
    uses=("conversations_pkey", "users_pkey", "participants_unique_user", "business_agents_unique_user"),
    parameters={"viewer": "uuid", "conversation": "uuid"},
    returns={"stamp": "text"},
    body="""
        SELECT concat_ws('/', c.version, v.xmin, coalesce(p.xmin::text, '-'), g.xmin)
        FROM conversations c
        JOIN users v ON v.id = %(viewer)s AND v.is_active
        LEFT JOIN participants p ON p.conversation_id = c.id AND p.user_id = v.id AND p.left_at IS NULL
        LEFT JOIN business_agents g
            ON c.type = 'business' AND g.business_id = c.business_id AND g.user_id = v.id
        WHERE c.id = %(conversation)s AND c.deleted_at IS NULL AND (p.id IS NOT NULL OR g.id IS NOT NULL)""",
)

# Agents may read all cases of their business, of which there is no bound: no stamp.
PERSON = Routine(
    "person_stamp",
    uses=("users_pkey", "participants_user_live", "conversations_pkey"),
    parameters={"viewer": "uuid"},
    returns={"stamp": "text"},
    body="""
        SELECT concat_ws('/', v.xmin, (
            SELECT md5(string_agg(concat_ws('.', p.xmin, c.version, c.deleted_at), ',' ORDER BY p.id))
            FROM participants p JOIN conversations c ON c.id = p.conversation_id
            WHERE p.user_id = v.id AND p.left_at IS NULL))
        FROM users v
        WHERE v.id = %(viewer)s AND v.is_active
        AND NOT EXISTS (SELECT FROM business_agents g WHERE g.user_id = v.id)""",
)

ROUTINES = (CONVERSATION, PERSON)


def conversation(*, viewer: UUID, conversation_id: UUID) -> str | None:
    """How far the server asked is with one conversation; None where the viewer may not read it."""
    found = CONVERSATION.first(viewer=viewer, conversation=conversation_id)
    return found[0] if found else None


def person(*, viewer: UUID) -> str | None:
    """How far it is with all that the viewer takes part in; None for closed accounts and agents."""
    found = PERSON.first(viewer=viewer)
    return found[0] if found else None


def written(*, using: str) -> int:
    """How far the write-ahead log of the primary reaches, in bytes."""
    return int(one("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn", {}, using=using)[0])


def replayed(*, using: str) -> int | None:
    """How far a replica has replayed it; None of a server that is no replica."""
    found = one(
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0'::pg_lsn END",
        {},
        using=using,
    )
    return None if found[0] is None else int(found[0])
