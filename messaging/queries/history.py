"""Reading messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conversations.queries.routine import Routine
from messaging.queries.fragments import MESSAGE, READABLE

FARTHEST = 2**62


class Window(NamedTuple):
    """Which part of a history is wanted: `limit` messages before, after or around a seq, or the newest."""

    limit: int
    before: int | None = None
    after: int | None = None
    around: int | None = None
    type: str | None = None


class Moment(NamedTuple):
    """A message's place in the order of time."""

    at: datetime
    conversation: UUID
    seq: int


class Own(NamedTuple):
    """A message of one's own: its JSON and place."""

    body: str
    at: datetime
    conversation: UUID
    seq: int

    @property
    def place(self) -> Moment:
        return Moment(self.at, self.conversation, self.seq)


class Page(NamedTuple):
    """Messages as a JSON array, ascending, and whether there is more on either side."""

    results: str
    has_before: bool
    has_after: bool


_WINDOW: Mapping[str, str] = {
    "viewer": "uuid",
    "conversation": "uuid",
    "before": "bigint",
    "after": "bigint",
    "around": "bigint",
    "limit": "int",
}
_PAGE: Mapping[str, str] = {"results": "text", "has_before": "bool", "has_after": "bool"}

# seq has no gaps, so a page is a range: no sort, no row read to be thrown away, has_before and has_after for nothing.
PAGE = Routine(
    "message_history",
    uses=("messages_unique_seq", "users_pkey"),
    parameters=_WINDOW,
    returns=_PAGE,
    body=f"""
    WITH room AS (
        SELECT c.id, c.last_seq, CASE
            WHEN %(before)s IS NOT NULL THEN least(%(before)s - 1, c.last_seq)
            WHEN %(after)s IS NOT NULL THEN least(%(after)s + %(limit)s, c.last_seq)
            WHEN %(around)s IS NOT NULL THEN
                least(greatest(%(around)s + %(limit)s / 2, %(limit)s), c.last_seq)
            ELSE c.last_seq END AS top
        FROM conversations c
        WHERE c.id = %(conversation)s AND {READABLE}
    ), span AS (
        SELECT room.*, greatest(top - %(limit)s, coalesce(%(after)s, 0), 0) AS floor FROM room
    )
    SELECT '[' || coalesce((
        SELECT string_agg(page.body, ',' ORDER BY page.seq) FROM (
            SELECT m.seq, {MESSAGE} AS body
            FROM messages m LEFT JOIN users u ON u.id = m.sender_id
            WHERE m.conversation_id = span.id AND m.seq > span.floor AND m.seq <= span.top
            ORDER BY m.seq DESC LIMIT %(limit)s) page), '') || ']',
        span.floor > 0 AND span.last_seq > 0, span.top < span.last_seq
    FROM span""",
)

# Messages of one type leave gaps, so this page is a keyset with a row more than asked for on each side.
PAGE_OF_TYPE = Routine(
    "message_history_of_type",
    uses=("messages_conversation_type",),
    parameters={**_WINDOW, "type": "text"},
    returns=_PAGE,
    body=f"""
    WITH room AS (
        SELECT c.id FROM conversations c WHERE c.id = %(conversation)s AND {READABLE}
    ), older AS (
        SELECT m.seq FROM room JOIN messages m ON m.conversation_id = room.id AND m.type = %(type)s
        WHERE %(after)s IS NULL
          AND m.seq < coalesce(%(before)s, %(around)s + 1, 9223372036854775807)
        ORDER BY m.seq DESC
        LIMIT CASE WHEN %(around)s IS NULL THEN %(limit)s ELSE (%(limit)s + 1) / 2 END + 1
    ), newer AS (
        SELECT m.seq FROM room JOIN messages m ON m.conversation_id = room.id AND m.type = %(type)s
        WHERE m.seq > coalesce(%(after)s, %(around)s, 9223372036854775806)
        ORDER BY m.seq
        LIMIT CASE WHEN %(around)s IS NULL THEN %(limit)s ELSE %(limit)s / 2 END + 1
    ), kept AS (
        (SELECT seq FROM older ORDER BY seq DESC
         LIMIT CASE WHEN %(around)s IS NULL THEN %(limit)s ELSE (%(limit)s + 1) / 2 END)
        UNION ALL
        (SELECT seq FROM newer ORDER BY seq
         LIMIT CASE WHEN %(around)s IS NULL THEN %(limit)s ELSE %(limit)s / 2 END)
    ), ends AS (
        SELECT coalesce(min(seq), %(before)s, %(after)s + 1, %(around)s) AS first,
               coalesce(max(seq), %(before)s - 1, %(after)s, %(around)s) AS last FROM kept
    )
    SELECT '[' || coalesce((
            SELECT string_agg(page.body, ',' ORDER BY page.seq) FROM (
                SELECT m.seq, {MESSAGE} AS body
                FROM kept JOIN messages m ON m.conversation_id = room.id AND m.seq = kept.seq
                LEFT JOIN users u ON u.id = m.sender_id) page), '') || ']',
        EXISTS (SELECT FROM messages m WHERE m.conversation_id = room.id AND m.type = %(type)s
                AND m.seq < ends.first),
        EXISTS (SELECT FROM messages m WHERE m.conversation_id = room.id AND m.type = %(type)s
                AND m.seq > ends.last)
    FROM room, ends""",
)

ONE = Routine(
    "message_by_seq",
    uses=("messages_unique_seq",),
    parameters={"viewer": "uuid", "conversation": "uuid", "seq": "bigint"},
    returns={"body": "text"},
    body=f"""
        SELECT {MESSAGE} FROM conversations c
        JOIN messages m ON m.conversation_id = c.id AND m.seq = %(seq)s
        LEFT JOIN users u ON u.id = m.sender_id
        WHERE c.id = %(conversation)s AND {READABLE}""",
)

# Nobody else's words and nothing that was taken back, so no seat is asked for: also what was said where one has left.
OWN = Routine(
    "own_messages",
    uses=("messages_sender_sent", "users_pkey"),
    parameters={
        "viewer": "uuid",
        "limit": "int",
        "at": "timestamptz",
        "conversation": "uuid",
        "seq": "bigint",
    },
    returns={"body": "text", "at": "timestamptz", "conversation": "uuid", "seq": "bigint"},
    body=f"""
        SELECT {MESSAGE}, m.sent_at, m.conversation_id, m.seq
        FROM users u JOIN messages m ON m.sender_id = u.id
        WHERE u.id = %(viewer)s AND u.is_active AND m.deleted_at IS NULL AND m.type <> 'system'
        AND m.sent_at <= coalesce(%(at)s, 'infinity') AND (%(at)s IS NULL
            OR (m.sent_at, m.conversation_id, m.seq) < (%(at)s, %(conversation)s, %(seq)s))
        ORDER BY m.sent_at DESC, m.conversation_id DESC, m.seq DESC LIMIT %(limit)s""",
)

ROUTINES = (PAGE, PAGE_OF_TYPE, ONE, OWN)


def _bounded(window: Window) -> Window:
    """Places that PostgreSQL can reckon with: adding to them must not leave bigint."""
    before, after, around = (
        None if seq is None else min(max(seq, 0), FARTHEST)
        for seq in (window.before, window.after, window.around)
    )
    return window._replace(before=before, after=after, around=around)


def message_history(*, viewer: UUID, conversation_id: UUID, window: Window) -> Page | None:
    """A page of a conversation, access check included, or None where the viewer may not. One statement.

    Raw SQL: PostgreSQL writes the JSON, which is several times faster than a serializer.
    """
    values = {**_bounded(window)._asdict(), "viewer": viewer, "conversation": conversation_id}
    if window.type is None:
        del values["type"]
    found = (PAGE if window.type is None else PAGE_OF_TYPE).first(**values)
    return Page(*found) if found else None


def message(*, viewer: UUID, conversation_id: UUID, seq: int) -> str | None:
    """One message, or None where there is none for the viewer's eyes."""
    found = ONE.first(viewer=viewer, conversation=conversation_id, seq=seq)
    return found[0] if found else None


def own_messages(*, viewer: UUID, limit: int, after: Moment | None = None) -> list[Own]:
    """What somebody wrote anywhere, the newest first. One statement."""
    place = after._asdict() if after else dict.fromkeys(Moment._fields)
    return [Own(*line) for line in OWN.call(viewer=viewer, limit=limit, **place)]
