"""Finding messages by their words, only among those that the viewer may read.

Two ways lead to the newest hits, and each is slow where the other is fast. Walking back in time through the viewer's
conversations is right for a word that stands in every tenth message, the index of words for one that stands in every
ten-thousandth. Of a single word PostgreSQL's statistics know which it is; else `services.search` begins with a short
walk and lets what it meets decide (decision 0021).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from conversations.queries.routine import Routine
from conversations.queries.statement import one, rows
from messaging.highlights import START, STOP
from messaging.queries import recent
from messaging.queries.fragments import MESSAGE

LIVELIEST = 200  # conversations that a walk looks into
MARKS = 4  # distances from the end of a conversation, of which a walk asks the time
GLANCE = 250  # messages of everybody that are read to see whose they are


class Hit(NamedTuple):
    """One message found: its JSON, its content as it is and as PostgreSQL marked it, and its place in the order."""

    body: str
    content: str
    marked: str
    score: float
    at: datetime
    conversation: UUID
    seq: int


class Found(NamedTuple):
    """`hits` of a page, out of `number` matches that were gathered for it, the newest of which was sent at `newest`.

    `partly`: there was none of `query`, and these are of `partial`.
    """

    hits: list[Hit]
    number: int
    newest: datetime | None
    partly: bool = False


class Scope(NamedTuple):
    """What the viewer may read: which conversations, how many messages in all; and whether the walk saw all of it.
    `sought` is whether there was anything to look for."""

    conversations: list[UUID]
    messages: int
    complete: bool
    sought: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for. `query` is for to_tsquery; so is `partial`, looked for where there is nothing of `query`.

    The newest `depth` matches up to `upto` are gathered; of them `limit` are the page, by time or by rank, beyond
    the place (`score`, `at`, `place`, `seq`) where the page before ended.
    """

    viewer: UUID
    query: str
    depth: int
    limit: int
    partial: str | None = None
    by_rank: bool = False
    conversation: UUID | None = None
    sender: UUID | None = None
    type: str | None = None
    since: datetime | None = None
    upto: datetime | None = None
    score: float | None = None
    at: datetime | None = None
    place: UUID | None = None
    seq: int | None = None


_SEARCH: Mapping[str, str] = {
    "viewer": "uuid",
    "query": "text",
    "partial": "text",
    "depth": "int",
    "limit": "int",
    "by_rank": "bool",
    "conversation": "uuid",
    "sender": "uuid",
    "type": "text",
    "since": "timestamptz",
    "upto": "timestamptz",
    "score": "float8",
    "at": "timestamptz",
    "place": "uuid",
    "seq": "bigint",
}

# The same rule as READABLE and ConversationQuerySet.visible_to, for all conversations at once.
# Uses index: participants_user_live, business_agents_user_id, conversations_business, conversations_pkey.
# OFFSET 0: each by its key, whatever a plan that knows no values expects of their number.
_MINE = """mine AS MATERIALIZED (
        SELECT c.id, c.last_seq, c.last_activity_at FROM (
            SELECT c.* FROM participants p CROSS JOIN LATERAL (
                SELECT * FROM conversations c WHERE c.id = p.conversation_id OFFSET 0) c
            WHERE p.user_id = %(viewer)s AND p.left_at IS NULL
            UNION ALL
            SELECT c.* FROM business_agents g CROSS JOIN LATERAL (
                SELECT * FROM conversations c WHERE c.business_id = g.business_id AND c.type = 'business' OFFSET 0) c
            WHERE g.user_id = %(viewer)s) c
        WHERE c.deleted_at IS NULL AND (%(conversation)s IS NULL OR c.id = %(conversation)s)
        AND EXISTS (SELECT FROM users v WHERE v.id = %(viewer)s AND v.is_active)
        GROUP BY c.id, c.last_seq, c.last_activity_at
    )"""

# Over messages m: what else they must be. Notices are found by those who ask for them only.
_FITS = """m.deleted_at IS NULL AND m.type = coalesce(%(type)s, m.type)
        AND (m.type <> 'system' OR %(type)s IS NOT NULL)
        AND (%(sender)s IS NULL OR m.sender_id = %(sender)s)
        AND (%(since)s IS NULL OR m.sent_at >= %(since)s) AND (%(upto)s IS NULL OR m.sent_at <= %(upto)s)
        AND (%(by_rank)s OR %(at)s IS NULL OR (m.sent_at, m.conversation_id, m.seq) < (%(at)s, %(place)s, %(seq)s))"""
_NEWEST = "ORDER BY m.sent_at DESC, m.conversation_id DESC, m.seq DESC LIMIT %(depth)s"
_FOUND = "m.id, m.words, m.sent_at, m.conversation_id, m.seq"

_HIT: Mapping[str, str] = {
    "body": "text",
    "content": "text",
    "marked": "text",
    "score": "float8",
    "at": "timestamptz",
    "conversation": "uuid",
    "seq": "bigint",
}

_WANTED = """wanted AS MATERIALIZED (
        SELECT to_tsquery('chat_search', %(query)s) AS query, to_tsquery('chat_search', %(partial)s) AS partial
    )"""

# Over `whole`, the matches of the query, and `near`, those of `partial`, of which there are only where the others are
# not: the page. A line without a message where there is none, for what stands beside it.
_PAGE = f"""found AS MATERIALIZED (
        SELECT * FROM whole UNION ALL SELECT * FROM near
    ), used AS MATERIALIZED (
        SELECT CASE WHEN EXISTS (SELECT FROM near) THEN w.partial ELSE w.query END AS query FROM wanted w
    ), page AS (
        SELECT * FROM (
            SELECT f.*, CASE WHEN %(by_rank)s THEN ts_rank(f.words, w.query, 1)::float8 ELSE 0 END AS score
            FROM found f, used w) ranked
        WHERE %(score)s IS NULL OR (ranked.score, ranked.sent_at, ranked.conversation_id, ranked.seq)
            < (%(score)s, %(at)s, %(place)s, %(seq)s)
        ORDER BY score DESC, sent_at DESC, conversation_id DESC, seq DESC LIMIT %(limit)s
    ), told AS (
        SELECT {MESSAGE} AS body, m.content, ts_headline('chat_search', chat_search_plain(m.content), w.query,
            'HighlightAll=true, StartSel={START}, StopSel={STOP}') AS marked,
            p.score, p.sent_at, p.conversation_id, p.seq
        FROM page p JOIN messages m ON m.id = p.id LEFT JOIN users u ON u.id = m.sender_id, used w
    ), total AS (
        SELECT count(*) AS number, max(sent_at) AS newest, EXISTS (SELECT FROM near) AS partly FROM found
    )"""
# Only the first line names the conversations: reading fifty ids twenty times takes longer than finding.
_ORDER = "ORDER BY t.score DESC, t.sent_at DESC, t.conversation_id DESC, t.seq DESC"
_IDS = f"CASE WHEN row_number() OVER ({_ORDER}) = 1 THEN s.ids END"


def _walked(query: str) -> str:
    """Over `floor`, `lively` and `wanted`: the newest since the floor that match, so many of each conversation."""
    return f"""SELECT {_FOUND} FROM floor, lively l CROSS JOIN LATERAL (
            SELECT * FROM messages m
            WHERE m.conversation_id = l.id AND m.sent_at >= floor.at
            AND ts_match_vq(m.words, (SELECT {query} FROM wanted)) AND {_FITS}
            ORDER BY m.sent_at DESC, m.seq DESC LIMIT %(depth)s) m
        WHERE l.last_activity_at >= floor.at - interval '1 second'"""


# `marks` are messages at so many distances from the end of each conversation, each four times the one before, found by
# their seq: they tell, without counting, since when about `budget` messages were sent in all. What is older is left to
# the index, and so is what was sent before the last activity of conversations beyond the liveliest. The match is
# written as the function that @@ stands for: no index is meant here, and the planner, who does not know the words,
# would take one.
WALK = Routine(
    "search_walk",
    uses=(
        "participants_user_live",
        "conversations_pkey",
        "messages_unique_seq",
        "messages_conversation_sent",
    ),
    parameters={**_SEARCH, "budget": "int", "nearest": "int", "marks": "int"},
    returns={
        "conversations": "uuid[]",
        "messages": "bigint",
        "complete": "bool",
        "sought": "bool",
        "number": "bigint",
        "newest": "timestamptz",
        "partly": "bool",
        **_HIT,
    },
    body=f"""
    WITH {_WANTED}, {_MINE}, lively AS MATERIALIZED (
        SELECT l.id, l.last_activity_at, CASE WHEN %(upto)s IS NULL THEN l.last_seq ELSE (
            SELECT m.seq FROM messages m
            WHERE m.conversation_id = l.id AND m.deleted_at IS NULL AND m.sent_at <= %(upto)s
            ORDER BY m.sent_at DESC LIMIT 1) END AS top
        FROM (SELECT * FROM mine ORDER BY last_activity_at DESC LIMIT {LIVELIEST}) l
    ), marks AS (
        SELECT m.sent_at, CASE step WHEN 0 THEN reach ELSE reach * 3 / 4 END AS weight
        FROM lively l CROSS JOIN generate_series(0, {MARKS - 1}) step
        CROSS JOIN LATERAL (SELECT %(nearest)s << (2 * step) AS reach) far
        JOIN messages m ON m.conversation_id = l.id AND m.seq = l.top - far.reach
        WHERE step < %(marks)s AND far.reach < l.top
    ), floor AS (
        SELECT greatest(%(since)s, coalesce((
            SELECT sent_at FROM (
                SELECT sent_at, sum(weight) OVER (ORDER BY sent_at DESC) AS covered FROM marks) so_far
            WHERE covered >= %(budget)s ORDER BY sent_at DESC LIMIT 1), (
            SELECT min(sent_at) FROM marks WHERE %(marks)s = 1)), (
            SELECT last_activity_at + interval '1 second' FROM mine
            ORDER BY last_activity_at DESC OFFSET {LIVELIEST} LIMIT 1), '-infinity') AS at
    ), whole AS MATERIALIZED (
        {_walked("query")} {_NEWEST}
    ), near AS MATERIALIZED (
        {_walked("partial")} AND %(partial)s IS NOT NULL AND NOT EXISTS (SELECT FROM whole) {_NEWEST}
    ), {_PAGE}, scope AS MATERIALIZED (
        SELECT coalesce(array_agg(id), '{{}}') AS ids, coalesce(sum(last_seq), 0)::bigint AS messages FROM mine
    )
    SELECT {_IDS}, s.messages, floor.at = coalesce(%(since)s, '-infinity'), numnode(w.query) > 0, total.number,
        total.newest, total.partly, t.*
    FROM scope s, floor, wanted w, total LEFT JOIN told t ON true
    {_ORDER}""",
)


# Over `wanted`: all matches of everybody, whose reader stops early. Materialized for the planner: it would take a LIMIT
# for a reason to read the table from its beginning until so many are met.
_MATCHING = f"""SELECT {_FOUND}, m.type, m.sender_id, m.deleted_at FROM messages m
        WHERE m.words @@ (SELECT {{query}} FROM wanted) AND m.deleted_at IS NULL"""


def _looked_up(query: str, few: str, when: str = "true") -> str:
    """Over `mine`, `wanted` and `few`: those of all matches that are the viewer's, where there are few; else what the
    index of words knows conversation by conversation."""
    return f"""SELECT {_FOUND} FROM (
            SELECT {_FOUND} FROM {few} m JOIN mine l ON l.id = m.conversation_id
            WHERE {when} AND (SELECT count(*) FROM {few}) <= {GLANCE} AND {_FITS}
            UNION ALL
            SELECT {_FOUND} FROM mine l CROSS JOIN LATERAL (
                SELECT * FROM messages m
                WHERE m.conversation_id = l.id AND m.words @@ (SELECT {query} FROM wanted) AND {_FITS} OFFSET 0) m
            WHERE {when} AND (SELECT count(*) FROM {few}) > {GLANCE}) m"""


_NONE = "%(partial)s IS NOT NULL AND NOT EXISTS (SELECT FROM whole)"

# Nothing is walked and nothing planned: for words of which there are few, wherever they stand. A word that nobody wrote
# is one look into the index, and a name that only some wrote is as many pages as they are: asking for it in each
# conversation would be fifty looks.
RARE = Routine(
    "search_rare",
    uses=("participants_user_live", "conversations_pkey", "messages_search"),
    parameters=_SEARCH,
    returns={
        "conversations": "uuid[]",
        "number": "bigint",
        "newest": "timestamptz",
        "partly": "bool",
        **_HIT,
    },
    body=f"""
    WITH {_WANTED}, {_MINE}, matching AS MATERIALIZED (
        {_MATCHING.format(query="query")}
    ), few AS MATERIALIZED (
        SELECT * FROM matching LIMIT {GLANCE} + 1
    ), whole AS MATERIALIZED (
        {_looked_up("query", "few")} {_NEWEST}
    ), matching_near AS MATERIALIZED (
        {_MATCHING.format(query="partial")}
    ), few_near AS MATERIALIZED (
        SELECT * FROM (SELECT * FROM matching_near LIMIT {GLANCE} + 1) m WHERE {_NONE}
    ), near AS MATERIALIZED (
        {_looked_up("partial", "few_near", _NONE)} {_NEWEST}
    ), {_PAGE}
    SELECT {_IDS}, total.number, total.newest, total.partly, t.*
    FROM (SELECT coalesce(array_agg(id), '{{}}') AS ids FROM mine) s, total LEFT JOIN told t ON true
    {_ORDER}""",
)

ROUTINES = (WALK, RARE)


def rare(search: Search) -> tuple[Scope, Found]:
    """All that the index of words knows in the viewer's conversations. One statement."""
    lines = RARE.call(**asdict(search))
    return Scope(lines[0][0], 0, complete=True, sought=True), _found([line[1:] for line in lines])


# Raw SQL: the planner's own estimate, out of the statistics that it keeps of the words. Nothing is read.
_GUESS = """EXPLAIN (FORMAT JSON)
    SELECT FROM messages whole WHERE whole.words @@ to_tsquery('chat_search', %(query)s::text)
    UNION ALL SELECT FROM messages near WHERE near.words @@ to_tsquery('chat_search', %(partial)s::text)
    UNION ALL SELECT FROM messages of_all"""


class Guess(NamedTuple):
    """About how many messages there are with the words, with words that begin so, and in all, whoever may read them."""

    whole: int
    near: int
    of_all: int


def guess(search: Search) -> Guess:
    """How common the words are, as of the last ANALYZE. One statement."""
    (reply,) = one(_GUESS, {"query": search.query, "partial": search.partial or search.query})
    plan = (orjson.loads(reply) if isinstance(reply, str) else reply)[0]["Plan"]
    return Guess(*(_expected(plan, alias) for alias in Guess._fields))


def _expected(plan: Mapping[str, Any], alias: str) -> int:
    """The rows that a plan expects of a table; 0 where it expects to read none."""
    if plan.get("Alias") == alias:
        return int(plan["Plan Rows"])
    return max((_expected(below, alias) for below in plan.get("Plans", ())), default=0)


def walk(search: Search, *, budget: int, marks: int = MARKS) -> tuple[Scope, Found]:
    """What about `budget` of the newest messages in the viewer's conversations hold. One statement.

    `marks`: 1 costs a fourth of the looks that MARKS do. It walks less far where there are few conversations, and in a
    lively one past the budget, but by a page of matches at most, which is little where every other message matches.
    """
    lines = WALK.call(
        **asdict(search), budget=budget, nearest=budget >> (3 if marks == 1 else 5), marks=marks
    )
    return Scope(*lines[0][:4]), _found([line[4:] for line in lines])


_NEWER = "/* whatever its time */"


def _known(query: str) -> str:
    """Over `mine`: what the index of words knows in the conversations named."""
    return f"""SELECT {_FOUND} FROM messages m
        WHERE m.conversation_id = ANY (%(conversations)s)
        AND m.words @@ to_tsquery('chat_search', %({query})s) AND {_FITS} {_NEWER}
        AND (SELECT array_agg(id) FROM mine) @> ARRAY[m.conversation_id]"""


# Uses index: messages_search, or one of the others where a sender or a time says more than the words. A statement of
# its own, planned each time with its values: how common a word is decides, and PostgreSQL keeps count of that.
# The conversations are given by name, which the index takes, and looked at again, in case one was just left.
_INDEXED = f"""
    WITH {_WANTED}, {_MINE}, whole AS MATERIALIZED (
        {_known("query")} {_NEWEST}
    ), near AS MATERIALIZED (
        {_known("partial")} AND %(partial)s IS NOT NULL AND NOT EXISTS (SELECT FROM whole) {_NEWEST}
    ), {_PAGE}
    SELECT total.number, total.newest, total.partly, t.* FROM total LEFT JOIN told t ON true
    {_ORDER}"""
INDEXED_TYPES = {**_SEARCH, "conversations": "uuid[]"}


def _cast(statement: str) -> str:
    """Each parameter with its type."""
    for name, kind in INDEXED_TYPES.items():
        statement = statement.replace(f"%({name})s", f"%({name})s::{kind}")
    return statement


INDEXED = _cast(_INDEXED)


def newer(literal: str) -> str:
    """The same for what was sent since a moment, which stands in it as a literal: only so can PostgreSQL tell that
    the index over the last days (`recent`) holds all of it."""
    return INDEXED.replace(_NEWER, f"AND m.sent_at >= {literal}")


def indexed(search: Search, *, conversations: list[UUID], since: datetime | None = None) -> Found:
    """All that the index of words knows in these conversations, or what it knows since a day. One statement."""
    statement = newer(recent.literal(since)) if since else INDEXED
    return _found(rows(statement, {**asdict(search), "conversations": conversations}))


def _found(lines: list[tuple[Any, ...]]) -> Found:
    number, newest, partly = lines[0][:3]
    return Found([Hit(*line[3:]) for line in lines if line[3] is not None], number, newest, partly)
