"""What one person said, to be taken away: found by keyset, so that what is done already is not looked through again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conversations.queries.statement import rows
from messaging.queries.fragments import TOLD
from messaging.records import Written

PAGE = 100  # messages of a transaction
LOOKED_THROUGH = 5_000  # of one statement, whatever it finds among them


class Said(NamedTuple):
    """A message of theirs. `notice`: it tells of a change of a case. `deleted`: its client_id at most is `left`."""

    id: int
    conversation: UUID
    at: datetime
    notice: bool
    deleted: bool
    left: bool


class Emptied(NamedTuple):
    """A message that was emptied."""

    seq: int
    reply_to: int | None


class Place(NamedTuple):
    """Where a page ended."""

    at: datetime
    id: int


_NOTICE = "(m.type = 'system' AND m.metadata->>'action' IN ('assign', 'status'))"


def said(*, sender: UUID, before: Place | None) -> tuple[list[Said], Place | None]:
    """What somebody said, the newest first, without what is emptied already, and where to look next. One statement.

    So many are looked through, and not so many found: else the last one of somebody who said much reads all of it.
    Uses index: messages_sender_sent.
    """
    found = rows(
        f"""SELECT m.id, m.conversation_id, m.sent_at, {_NOTICE}, m.deleted_at IS NOT NULL,
            m.deleted_at IS NULL OR m.client_id IS NOT NULL
        FROM messages m
        WHERE m.sender_id = %(sender)s::uuid
          AND m.sent_at <= coalesce(%(at)s::timestamptz, 'infinity')
          AND (%(id)s::bigint IS NULL OR (m.sent_at, m.id) < (%(at)s::timestamptz, %(id)s::bigint))
        ORDER BY m.sent_at DESC, m.id DESC LIMIT {LOOKED_THROUGH}""",
        {"sender": sender, **_given(before)},
    )
    page = [Said(*line) for line in found]
    after = Place(page[-1].at, page[-1].id) if len(page) == LOOKED_THROUGH else None
    return [one for one in page if one.left], after


def notices_about(*, user: UUID, before: Place | None) -> tuple[list[int], Place | None]:
    """Notices of others that name somebody, by ids, and where to look next. One statement.

    No index finds them: all notices are looked through, some thousands a statement. Uses index: messages_type_sent.
    """
    found = rows(
        f"""SELECT array_agg(page.id) FILTER (WHERE page.assignee = %(user)s::text), count(*),
            (array_agg(page.sent_at ORDER BY page.sent_at, page.id))[1],
            (array_agg(page.id ORDER BY page.sent_at, page.id))[1]
        FROM (
            SELECT m.id, m.sent_at, m.metadata->>'assignee' AS assignee FROM messages m
            WHERE m.type = 'system' AND m.sent_at <= coalesce(%(at)s::timestamptz, 'infinity')
              AND (%(id)s::bigint IS NULL OR (m.sent_at, m.id) < (%(at)s::timestamptz, %(id)s::bigint))
            ORDER BY m.sent_at DESC, m.id DESC LIMIT {LOOKED_THROUGH}) page""",
        {"user": str(user), **_given(before)},
    )
    ((ids, number, at, last),) = found
    return ids or [], Place(at, last) if number == LOOKED_THROUGH else None


def empty(*, conversation: UUID, ids: Sequence[int], quiet: bool) -> list[Emptied]:
    """Empties messages of a conversation whose lock the caller holds, each at a version of its own. One statement.

    `quiet` takes no versions: nobody reads a deleted conversation. Uses index: messages_pkey, conversations_pkey.
    """
    found = rows(
        """WITH gone AS MATERIALIZED (
            SELECT id, row_number() OVER (ORDER BY seq) AS place FROM messages
            WHERE id = ANY (%(ids)s::bigint[]) AND conversation_id = %(conversation)s::uuid AND deleted_at IS NULL
        ), stamped AS (
            UPDATE conversations c SET version = c.version + number, changed_at = clock_timestamp()
            FROM (SELECT CASE WHEN %(quiet)s::bool THEN 0 ELSE count(*) END AS number FROM gone) n
            WHERE c.id = %(conversation)s::uuid RETURNING c.version - number AS version
        )
        UPDATE messages m SET content = '', metadata = '{}', mentions = '{}', reactions = NULL, attachments = NULL,
            client_id = NULL, deleted_at = clock_timestamp(),
            version = CASE WHEN %(quiet)s::bool THEN m.version ELSE stamped.version + gone.place END
        FROM gone, stamped WHERE m.id = gone.id RETURNING m.seq, m.reply_to_seq""",
        {"conversation": conversation, "ids": list(ids), "quiet": quiet},
    )
    return sorted(Emptied(*line) for line in found)


def messages(*, conversation: UUID, seqs: Sequence[int]) -> list[Written]:
    """Messages as they stand, ascending, for the events of a change just made. One statement.

    Uses index: messages_unique_seq.
    """
    found = rows(
        f"""SELECT {TOLD}, m.seq, m.version, c.business_id
        FROM conversations c JOIN messages m ON m.conversation_id = c.id LEFT JOIN users u ON u.id = m.sender_id
        WHERE c.id = %(conversation)s::uuid AND m.seq = ANY (%(seqs)s::bigint[]) ORDER BY m.version""",
        {"conversation": conversation, "seqs": list(seqs)},
    )
    return [Written(*written) for written in found]


def _given(before: Place | None) -> dict[str, object]:
    return {"at": before.at if before else None, "id": before.id if before else None}
