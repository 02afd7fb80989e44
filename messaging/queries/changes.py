"""What changed in a conversation after a version: current state, one range of each table, no event log."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from conversations.queries.fragments import FACTS, PARTICIPANT
from conversations.queries.routine import Routine
from messaging.queries.fragments import MESSAGE, REACTED, READABLE
from messaging.records import Change

# Over messages m and `after`, for those who are told without `mine`: whose own reactions changed, and to what.
_REACTED = f"""CASE WHEN m.reactions IS NOT NULL AND %(viewer)s::uuid IS NULL THEN (
    SELECT '[' || string_agg({REACTED}, ',' ORDER BY r.version) || ']'
    FROM reactions r WHERE r.message_id = m.id AND r.version > after.version) END"""

# Over conversations c and `after`: the version reached, and the one that the client has everything up to (`known`).
# They differ from the second page on: a message written since, but changed again later, is still new to the client.
# A change that is not there any more (a role set twice) comes once, as the newest. Everything that existed when the
# conversation was made comes with `conversation.created`, at version 1.
_CHANGES = f"""(
        SELECT 'conversation.' || CASE WHEN after.version < 1 THEN 'created' ELSE 'updated' END AS event,
            CASE WHEN after.version < 1 THEN 1 ELSE c.facts_version END AS version, {FACTS} AS data,
            NULL AS reacted
        WHERE c.facts_version > after.version
    ) UNION ALL (
        SELECT 'participant.' || CASE WHEN p.left_at IS NOT NULL THEN 'left'
            WHEN p.joined_version > after.known THEN 'joined' ELSE 'updated' END, p.version, {PARTICIPANT},
            NULL
        FROM participants p JOIN users u ON u.id = p.user_id
        WHERE p.conversation_id = c.id AND p.version > greatest(after.version, 1)
        ORDER BY p.version LIMIT %(limit)s
    ) UNION ALL (
        SELECT 'message.' || CASE WHEN m.deleted_at IS NOT NULL THEN 'deleted'
            WHEN m.created_version > after.known THEN 'created' ELSE 'updated' END, m.version, {MESSAGE},
            {_REACTED}
        FROM messages m LEFT JOIN users u ON u.id = m.sender_id
        WHERE m.conversation_id = c.id AND m.version > after.version
        ORDER BY m.version LIMIT %(limit)s
    )"""


UNBOUNDED = 2**62
_TOLD: Mapping[str, str] = {"event": "text", "version": "bigint", "data": "text", "reacted": "text"}

SINCE = Routine(
    "changes_since",
    uses=("messages_version", "participants_version", "conversations_pkey"),
    parameters={
        "viewer": "uuid",
        "conversation": "uuid",
        "after": "bigint",
        "known": "bigint",
        "limit": "int",
    },
    returns=_TOLD,
    body=f"""
        SELECT moved.event, moved.version, moved.data, moved.reacted
        FROM conversations c, (SELECT %(after)s AS version, %(known)s AS known) after, LATERAL ({_CHANGES}) moved
        WHERE c.id = %(conversation)s ORDER BY moved.version LIMIT %(limit)s""",
)

HEAD = Routine(
    "conversation_head",
    uses=("conversations_pkey",),  # and what READABLE goes by
    parameters={"viewer": "uuid", "conversation": "uuid"},
    returns={"version": "bigint"},
    body=f"SELECT c.version FROM conversations c WHERE c.id = %(conversation)s AND {READABLE}",
)

MOVED = Routine(
    "conversations_moved",
    uses=("participants_user_live", "conversations_pkey"),
    parameters={"viewer": "uuid", "ids": "uuid[]", "versions": "bigint[]", "only_named": "bool"},
    returns={"conversation": "uuid", "after": "bigint", "version": "bigint"},
    body=f"""
        WITH held AS (
            SELECT * FROM unnest(%(ids)s, %(versions)s) AS held (id, version)
        ), mine AS (
            SELECT c.id, c.version FROM participants p JOIN conversations c ON c.id = p.conversation_id
            JOIN users v ON v.id = p.user_id AND v.is_active
            WHERE NOT %(only_named)s AND p.user_id = %(viewer)s AND p.left_at IS NULL AND c.deleted_at IS NULL
            UNION
            SELECT c.id, c.version FROM held JOIN conversations c ON c.id = held.id WHERE {READABLE}
        )
        SELECT coalesce(mine.id, held.id), held.version, coalesce(mine.version, 0)
        FROM mine FULL JOIN held ON held.id = mine.id
        WHERE mine.version IS DISTINCT FROM held.version
        ORDER BY 1""",
)

SINCE_EACH = Routine(
    "changes_since_each",
    uses=("messages_version", "participants_version", "conversations_pkey"),
    parameters={
        "viewer": "uuid",
        "ids": "uuid[]",
        "versions": "bigint[]",
        "knowns": "bigint[]",
        "limit": "int",
        "bytes": "bigint",
    },
    returns={"conversation": "uuid", **_TOLD, "cut": "bool"},
    body=f"""
        SELECT told.id, told.event, told.version, told.data, told.reacted, told.total > %(bytes)s
        FROM (
            SELECT c.id, moved.event, moved.version, moved.data::text, moved.reacted,
                octet_length(moved.data::text) AS size,
                sum(octet_length(moved.data::text)) OVER (ORDER BY c.id, moved.version) AS total
            FROM unnest(%(ids)s, %(versions)s, %(knowns)s) AS held (id, version, known)
                JOIN conversations c ON c.id = held.id AND (%(viewer)s IS NULL OR ({READABLE})),
                LATERAL (SELECT held.version, held.known) after,
                LATERAL (SELECT * FROM ({_CHANGES}) line ORDER BY line.version LIMIT %(limit)s) moved
        ) told
        WHERE told.total - told.size <= %(bytes)s ORDER BY told.id, told.version""",
)

ROUTINES = (SINCE, SINCE_EACH, HEAD, MOVED)


def head(*, viewer: UUID, conversation_id: UUID) -> int | None:
    """The conversation's version, or None where the viewer may not read it."""
    found = HEAD.first(viewer=viewer, conversation=conversation_id)
    return found[0] if found else None


def changes_since(
    *, conversation_id: UUID, after: int, limit: int, known: int | None = None, viewer: UUID | None = None
) -> list[Change]:
    """Up to `limit` changes after a version, ascending. The caller has checked access. One statement.

    `known`, on later pages: the version after which the first page began. `viewer`: for whose
    eyes; None for everybody's.
    """
    since = after if known is None else known
    found = SINCE.call(viewer=viewer, conversation=conversation_id, after=after, known=since, limit=limit)
    return [Change(*change) for change in found]


class Each(NamedTuple):
    """`changes` of each conversation that was asked for and may be read, ascending.

    Where they were more than was to be read at once, `cut` is the conversation, by its id, of which some may be
    missing; nothing was read of those after it.
    """

    changes: dict[UUID, list[Change]]
    cut: UUID | None


def changes_since_each(
    *,
    cursors: Mapping[UUID, int],
    limit: int,
    viewer: UUID | None = None,
    known: Mapping[UUID, int] = MappingProxyType({}),
    most_bytes: int = UNBOUNDED,
) -> Each:
    """Up to `limit` changes of each conversation after its version, and about `most_bytes` in all. One statement.

    `viewer`: for whose eyes, and of what they may read at this moment; None for everybody's, where the caller has
    checked access. `known`: the versions after which the first pages began, on later ones.
    """
    lines = SINCE_EACH.call(
        viewer=viewer,
        ids=list(cursors),
        versions=list(cursors.values()),
        knowns=[known.get(conversation, version) for conversation, version in cursors.items()],
        limit=limit,
        bytes=most_bytes,
    )
    found: dict[UUID, list[Change]] = {conversation: [] for conversation in cursors}
    for conversation, *change, _ in lines:
        found[conversation].append(Change(*change))
    return Each(found, lines[-1][0] if lines and lines[-1][-1] else None)


class Moved(NamedTuple):
    """A conversation that is not where the client left it. `version` 0: gone, or never the caller's."""

    conversation: UUID
    after: int | None
    version: int


def moved(*, viewer: UUID, cursors: Mapping[UUID, int], only_named: bool = False) -> list[Moved]:
    """Which of the viewer's conversations moved past their cursor, are unknown to it, or are gone. One statement.

    `only_named` leaves out conversations without a cursor.
    """
    found = MOVED.call(
        viewer=viewer, ids=list(cursors), versions=list(cursors.values()), only_named=only_named
    )
    return [Moved(*line) for line in found]
