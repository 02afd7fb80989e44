"""What a person sees of their conversations."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from conversations.queries.fragments import (
    ARCHIVED,
    CONVERSATION,
    MEMBERSHIP,
    MENTIONED,
    UNREAD,
    obj,
    word,
)
from conversations.queries.routine import Routine
from conversations.queries.statement import row, rows


class Place(NamedTuple):
    """Where a page of the inbox ended."""

    pinned: bool
    at: datetime
    id: UUID


class Line(NamedTuple):
    """One conversation of a page: its JSON and its place."""

    body: str
    pinned: bool
    at: datetime
    id: UUID

    @property
    def place(self) -> Place:
        return Place(self.pinned, self.at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """What a listing is narrowed to; None leaves it open. `archived` False hides what the viewer put away,
    until something is said there.
    """

    type: str | None = None
    business_id: str | None = None
    status: str | None = None
    assignee: UUID | Literal["none"] | None = None
    label: str | None = None
    snoozed: bool | None = None
    unread: bool | None = None
    archived: bool | None = False
    search: str | None = None


_FILTERS: Mapping[str, str] = {
    "type": "text",
    "business_id": "text",
    "status": "text",
    "assignee": "text",
    "label": "text",
    "snoozed": "bool",
    "unread": "bool",
    "archived": "bool",
    "search": "text",
    "pinned": "bool",
    "at": "timestamptz",
    "id": "uuid",
}
_LINE: Mapping[str, str] = {"body": "text", "pinned": "bool", "at": "timestamptz", "id": "uuid"}

# Every filter narrows a set that an index has already bounded (one person's seats, one business's cases), so they can
# stand in one statement, each open when it is null.
_WANTED = f"""
    AND (%(type)s IS NULL OR c.type = %(type)s)
    AND (%(business_id)s IS NULL OR c.business_id = %(business_id)s)
    AND (%(status)s IS NULL OR b.status = %(status)s)
    AND (%(assignee)s IS NULL OR (b.conversation_id IS NOT NULL
        AND b.assignee_id IS NOT DISTINCT FROM nullif(%(assignee)s, 'none')::uuid))
    AND (%(label)s IS NULL OR %(label)s = ANY (b.labels))
    AND (%(snoozed)s IS NULL OR (b.snoozed_until IS NOT NULL) = %(snoozed)s)
    AND (%(archived)s IS NULL OR {ARCHIVED} = %(archived)s)
    AND (%(unread)s IS NULL OR ({UNREAD} > 0) = %(unread)s)
    AND (%(search)s IS NULL OR upper(c.name) LIKE upper(%(search)s) OR (c.type <> 'group' AND EXISTS (
        SELECT FROM participants q JOIN users o ON o.id = q.user_id
        WHERE q.conversation_id = c.id AND q.user_id <> %(viewer)s
        AND (upper(o.username) LIKE upper(%(search)s) OR upper(o.display_name) LIKE upper(%(search)s)))))"""

INBOX = Routine(
    "inbox",
    uses=(
        "participants_user_live",
        "conversations_pkey",
        "messages_pkey",
        "messages_uncounted",
        "mentions_unique",
    ),
    parameters={"viewer": "uuid", "limit": "int", **_FILTERS},
    returns=_LINE,
    body=f"""
        SELECT {CONVERSATION}, p.pinned_at IS NOT NULL, c.last_activity_at, c.id
        FROM participants p
        JOIN conversations c ON c.id = p.conversation_id
        JOIN users viewer ON viewer.id = p.user_id AND viewer.is_active
        LEFT JOIN business_cases b ON b.conversation_id = c.id
        WHERE p.user_id = %(viewer)s AND p.left_at IS NULL AND c.deleted_at IS NULL{_WANTED}
        AND (%(id)s IS NULL OR (p.pinned_at IS NOT NULL, c.last_activity_at, c.id) < (%(pinned)s, %(at)s, %(id)s))
        ORDER BY (p.pinned_at IS NOT NULL) DESC, c.last_activity_at DESC, c.id DESC
        LIMIT %(limit)s""",
)

# Every case has its row; the left join keeps a plan that does not know the filters from starting at business_cases.
BUSINESS_INBOX = Routine(
    "business_inbox",
    uses=(
        "conversations_business",
        "business_cases_pkey",
        "participants_unique_user",
        "business_agents_unique_user",
    ),
    parameters={"viewer": "uuid", "business": "text", "limit": "int", **_FILTERS},
    returns=_LINE,
    body=f"""
        SELECT {CONVERSATION}, false, c.last_activity_at, c.id
        FROM conversations c
        LEFT JOIN business_cases b ON b.conversation_id = c.id
        LEFT JOIN participants p ON p.conversation_id = c.id AND p.user_id = %(viewer)s
        WHERE c.type = 'business' AND c.business_id = %(business)s AND c.deleted_at IS NULL
        AND EXISTS (SELECT FROM business_agents g JOIN users v ON v.id = g.user_id AND v.is_active
                    WHERE g.business_id = %(business)s AND g.user_id = %(viewer)s){_WANTED}
        AND (%(id)s IS NULL OR (c.last_activity_at, c.id) < (%(at)s, %(id)s))
        ORDER BY c.last_activity_at DESC, c.id DESC
        LIMIT %(limit)s""",
)

VIEW = Routine(
    "conversation_view",
    uses=("conversations_pkey", "participants_unique_user"),
    parameters={"viewer": "uuid", "conversation": "uuid"},
    returns={"body": "text"},
    body=f"""
        SELECT {CONVERSATION}
        FROM conversations c
        JOIN users viewer ON viewer.id = %(viewer)s AND viewer.is_active
        LEFT JOIN participants p ON p.conversation_id = c.id AND p.user_id = %(viewer)s
        WHERE c.id = %(conversation)s AND c.deleted_at IS NULL
        AND ((p.id IS NOT NULL AND p.left_at IS NULL) OR (c.type = 'business' AND EXISTS (
             SELECT FROM business_agents g WHERE g.business_id = c.business_id AND g.user_id = %(viewer)s)))""",
)

_TOTAL = obj(id=word("t.id"), unread_count="t.unread_count", mention_count="t.mention_count")

UNREAD_TOTALS = Routine(
    "unread_totals",
    uses=("participants_user_live", "conversations_pkey", "messages_uncounted", "mentions_unique"),
    parameters={"viewer": "uuid"},
    returns={"body": "text"},
    body=f"""
        SELECT '{{"total":' || coalesce(sum(t.unread_count), 0) || ',"conversations":[' || coalesce(
            string_agg({_TOTAL}, ',') FILTER (WHERE t.unread_count > 0 OR t.mention_count > 0), '') || ']}}'
        FROM users viewer
        LEFT JOIN LATERAL (
            SELECT c.id, {UNREAD} AS unread_count, {MENTIONED} AS mention_count
            FROM participants p JOIN conversations c ON c.id = p.conversation_id
            WHERE p.user_id = viewer.id AND p.left_at IS NULL AND c.deleted_at IS NULL
              AND c.last_seq > p.last_read_seq
        ) t ON true
        WHERE viewer.id = %(viewer)s AND viewer.is_active
        GROUP BY viewer.id""",
)

ROUTINES = (INBOX, BUSINESS_INBOX, VIEW, UNREAD_TOTALS)


def _given(wanted: InboxFilter, after: Place | None) -> dict[str, Any]:
    values = dict.fromkeys(_FILTERS) | asdict(wanted) | (after._asdict() if after else {})
    if wanted.assignee is not None:
        values["assignee"] = str(wanted.assignee)
    if wanted.search is not None:
        values["search"] = f"%{_like(wanted.search)}%"
    return values


def _like(text: str) -> str:
    """Text that LIKE takes literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def inbox(*, viewer: UUID, wanted: InboxFilter, limit: int, after: Place | None = None) -> list[Line]:
    """A page of the caller's conversations, pinned first, then liveliest first. One statement.

    Unread, last message and peer are worked out for the rows of the page only, and leave as JSON.
    """
    return [Line(*line) for line in INBOX.call(viewer=viewer, limit=limit, **_given(wanted, after))]


def business_inbox(
    *, viewer: UUID, business_id: str, wanted: InboxFilter, limit: int, after: Place | None = None
) -> list[Line]:
    """A page of a business's cases, liveliest first, for one of its agents. One statement."""
    given = _given(wanted, after)
    return [
        Line(*line) for line in BUSINESS_INBOX.call(viewer=viewer, business=business_id, limit=limit, **given)
    ]


def conversation(*, viewer: UUID, conversation_id: UUID) -> str | None:
    """One conversation as its viewer sees it, or None where they may not."""
    found = VIEW.first(viewer=viewer, conversation=conversation_id)
    return found[0] if found else None


def unread_totals(*, viewer: UUID) -> str | None:
    """`{total, conversations: [{id, unread_count, mention_count}]}`, or None for an inactive account."""
    found = UNREAD_TOTALS.first(viewer=viewer)
    return found[0] if found else None


def membership(*, viewer: UUID, conversation_id: UUID) -> str | None:
    """The viewer's own settings in a conversation they take part in. Uses index: participants_unique_user."""
    found = row(
        f"""SELECT {MEMBERSHIP} FROM participants p JOIN conversations c ON c.id = p.conversation_id
        WHERE p.conversation_id = %(conversation)s::uuid AND p.user_id = %(viewer)s::uuid AND p.left_at IS NULL""",
        {"viewer": viewer, "conversation": conversation_id},
    )
    return found[0] if found else None


def unread_count(*, viewer: UUID, conversation_id: UUID) -> tuple[int, int] | None:
    """`(last_read_seq, unread_count)` of a participant."""
    return row(
        f"""SELECT p.last_read_seq, {UNREAD} FROM participants p JOIN conversations c ON c.id = p.conversation_id
        WHERE p.conversation_id = %(conversation)s::uuid AND p.user_id = %(viewer)s::uuid AND p.left_at IS NULL""",
        {"viewer": viewer, "conversation": conversation_id},
    )


def heads(*, viewer: UUID) -> dict[UUID, int]:
    """The version of each of a person's conversations. Uses index: participants_user_live, conversations_pkey."""
    found = rows(
        """SELECT c.id, c.version FROM participants p JOIN conversations c ON c.id = p.conversation_id
        JOIN users viewer ON viewer.id = p.user_id AND viewer.is_active
        WHERE p.user_id = %(viewer)s::uuid AND p.left_at IS NULL AND c.deleted_at IS NULL""",
        {"viewer": viewer},
    )
    return dict(found)
