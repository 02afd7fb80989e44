"""The notes of agents beside their cases: read here and nowhere else, so no other statement has to leave them out.

Raw SQL: PostgreSQL writes the JSON, as it does for messages. None of it is asked as often as a history is, so these are
no routines.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from conversations.contents import NOTE
from conversations.events import notes_line
from conversations.queries.fragments import maybe, obj, said, text, time, user, word
from conversations.queries.statement import one, row, rows
from messaging.records import Change, Moved, Numbered, Place

# Over notes n and their senders u.
_NOTE = obj(
    conversation=word("n.conversation_id"),
    internal="'true'",
    number="n.number",
    version="n.version",
    after_seq="n.after_seq",
    sender=user("u"),
    content=said("n.content", "n", kind=NOTE),
    client_id=maybe(text("n.client_id")),
    sent_at=time("n.sent_at"),
    edited_at=maybe(time("n.edited_at")),
    deleted_at=maybe(time("n.deleted_at")),
)
# Over conversations c: who has the customer's seat hears and reads no notes, even where they answer for the business.
_CUSTOMERS = """FROM participants p
    WHERE p.conversation_id = c.id AND p.left_at IS NULL AND p.role = 'customer'"""
# Uses index: users_pkey, business_agents_unique_user, participants_unique_user.
_OPEN = f"""c.deleted_at IS NULL AND c.type = 'business'
    AND EXISTS (SELECT FROM users v WHERE v.id = %(viewer)s::uuid AND v.is_active)
    AND EXISTS (SELECT FROM business_agents g
                WHERE g.business_id = c.business_id AND g.user_id = %(viewer)s::uuid)
    AND NOT EXISTS (SELECT {_CUSTOMERS} AND p.user_id = %(viewer)s::uuid)"""
_WITHOUT = f"ARRAY(SELECT p.user_id::text {_CUSTOMERS})"


def open_to(viewer: UUID, conversations: Sequence[UUID]) -> dict[UUID, int]:
    """Of these, the cases whose notes this person may read and write, and the version of their notes. One statement.

    The one place that decides it.
    """
    found = rows(
        f"""SELECT c.id, coalesce(b.version, 0)
        FROM conversations c LEFT JOIN notebooks b ON b.conversation_id = c.id
        WHERE c.id = ANY(%(ids)s::uuid[]) AND {_OPEN}""",
        {"viewer": viewer, "ids": list(conversations)},
    )
    return dict(found)


def page(
    *, conversation: UUID, first: int, last: int | None, past: Place, limit: int
) -> list[tuple[str, Place]]:
    """Notes that stand after messages `first` to `last`, in their order, from past a place on. One statement.

    Uses index: notes_place.
    """
    found = rows(
        f"""SELECT {_NOTE}, n.after_seq, n.number FROM notes n JOIN users u ON u.id = n.sender_id
        WHERE n.conversation_id = %(conversation)s::uuid
        AND n.after_seq >= %(first)s::bigint AND (%(last)s::bigint IS NULL OR n.after_seq <= %(last)s::bigint)
        AND (n.after_seq, n.number) > (%(seq)s::bigint, %(number)s::bigint)
        ORDER BY n.after_seq, n.number LIMIT %(limit)s::int""",
        {"conversation": conversation, "first": first, "last": last, "limit": limit, **past._asdict()},
    )
    return [(body, Place(*place)) for body, *place in found]


def note(*, conversation: UUID, number: int) -> str | None:
    """One note. One statement. Uses index: notes_unique_number."""
    found = row(
        f"""SELECT {_NOTE} FROM notes n JOIN users u ON u.id = n.sender_id
        WHERE n.conversation_id = %(conversation)s::uuid AND n.number = %(number)s::bigint""",
        {"conversation": conversation, "number": number},
    )
    return found[0] if found else None


def take_number(conversation: UUID) -> Numbered:
    """The next number and version, whose row is locked until the transaction ends. One statement.

    The notebook is begun with the first: two agents who do so at once are one after the other.
    """
    return Numbered(
        *one(
            """INSERT INTO notebooks AS b (conversation_id, last_number, version, changed_at)
            VALUES (%(conversation)s::uuid, 1, 1, clock_timestamp())
            ON CONFLICT (conversation_id) DO UPDATE
            SET last_number = b.last_number + 1, version = b.version + 1, changed_at = clock_timestamp()
            RETURNING last_number, version""",
            {"conversation": conversation},
        )
    )


class Stand(NamedTuple):
    """How far the notes of a case are, whose case it is, and who does not hear them although they answer for it."""

    version: int
    business: str
    without: list[str]


def stand(conversation: UUID) -> Stand | None:
    """None where there are no notes. One statement."""
    found = row(
        f"""SELECT b.version, c.business_id, {_WITHOUT}
        FROM notebooks b JOIN conversations c ON c.id = b.conversation_id
        WHERE b.conversation_id = %(conversation)s::uuid""",
        {"conversation": conversation},
    )
    return Stand(*found) if found else None


def customers(conversation: UUID) -> list[UUID]:
    """Who has the customer's seat. One statement."""
    found = rows(
        f"SELECT p.user_id FROM conversations c, LATERAL (SELECT p.user_id {_CUSTOMERS}) p WHERE c.id = %(id)s::uuid",
        {"id": conversation},
    )
    return [user for (user,) in found]


def changes(cursors: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Change]]:
    """Up to `limit` changes of the notes of each case after its version, ascending. The caller has checked access.

    One statement. Uses index: notes_version.
    """
    found: dict[UUID, list[Change]] = {conversation: [] for conversation in cursors}
    for conversation, *change in rows(
        f"""SELECT held.id, told.event, told.version, told.data
        FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[]) AS held (id, version), LATERAL (
            SELECT 'note.' || CASE WHEN n.deleted_at IS NOT NULL THEN 'deleted'
                WHEN n.created_version > held.version THEN 'created' ELSE 'updated' END AS event,
                n.version, {_NOTE} AS data
            FROM notes n JOIN users u ON u.id = n.sender_id
            WHERE n.conversation_id = held.id AND n.version > held.version
            ORDER BY n.version LIMIT %(limit)s::int) told
        ORDER BY held.id, told.version""",
        {"ids": list(cursors), "versions": list(cursors.values()), "limit": limit},
    ):
        found[conversation].append(Change(*change))
    return found


def recent(*, back: float, businesses: Sequence[str]) -> list[Moved]:
    """Notes of the cases of these businesses that changed in the last `back` seconds by PostgreSQL's clock.

    One statement. Uses index: notebooks_changed, notes_version.
    """
    since = "now() - make_interval(secs => %(back)s::float8)"
    found = rows(
        f"""SELECT c.id, b.version, c.business_id, (
            SELECT min(CASE WHEN n.sent_at > {since} THEN n.created_version ELSE n.version END) FROM notes n
            WHERE n.conversation_id = b.conversation_id AND n.version > b.version - 200
            AND greatest(n.sent_at, n.edited_at, n.deleted_at) > {since}), {_WITHOUT}
        FROM notebooks b JOIN conversations c ON c.id = b.conversation_id
        WHERE b.changed_at > {since} AND c.business_id = ANY(%(businesses)s::text[])""",
        {"back": back, "businesses": list(businesses)},
    )
    return [
        Moved(notes_line(conversation), version, False, business, floor, without)
        for conversation, version, business, floor, without in found
    ]
