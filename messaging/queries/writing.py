"""Writing messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from conversations.queries.routine import Routine
from conversations.queries.statement import one, row, rows
from messaging import limits
from messaging.queries.fragments import MESSAGE, TOLD, message
from messaging.records import Draft, Written


# One statement is its own transaction: membership, allotment, insert and read position in one round trip.
#
# - The row lock of `allotted` orders seq and version as the commits; clock_timestamp() is taken under it.
# - `seated` reads the participant again after waiting for that lock. Somebody removed meanwhile leaves it empty, the
#   message then has no sender, messages_has_sender refuses it, and with it the allotment is undone.
# - What moves a case takes a second version, since the case is a fact of the conversation: an agent's first answer, or
#   what a customer says while it sleeps.
# - Whoever was blocked by the other of a direct conversation is allotted nothing, but told what they had said before:
#   access.get_conversation(…, speaking=True) has the same rule, and the words for it. Uses index: blocks_unique.
# - In slow mode a member is allotted nothing before their last message is old enough. `seated` asks once more: a rival
#   of theirs that went first has moved last_sent_seq to a message that this statement does not see.
# - `earlier` answers a repeated client_id; a racing one runs into messages_unique_client_id and is read afterwards.
def _paced(pace: str, seat: str) -> str:
    """Whether who has this seat may speak yet. Uses index: messages_unique_seq, in slow mode."""
    return f"""({pace} IS NULL OR {seat}.role <> 'member' OR {seat}.last_sent_seq = 0 OR EXISTS (
            SELECT FROM messages w WHERE w.conversation_id = {seat}.conversation_id AND w.seq = {seat}.last_sent_seq
            AND w.sent_at <= clock_timestamp() - {pace} * interval '1 second'))"""


_SEND: Mapping[str, str] = {
    "sender": "uuid",
    "conversation": "uuid",
    "content": "text",
    "type": "text",
    "metadata": "jsonb",
    "client_id": "text",
    "reply_to": "bigint",
    "mentions": "uuid[]",
}


def _sending(
    *, only: str = "", taken: str = "", sender: str = "(SELECT user_id FROM seated)", files: str = "NULL"
) -> str:
    return f"""
    WITH caller AS (
        SELECT p.conversation_id, p.user_id, p.role, p.last_sent_seq, p.role IN ('agent', 'customer') AND EXISTS (
            SELECT FROM business_cases k WHERE k.conversation_id = p.conversation_id
            AND CASE p.role WHEN 'agent' THEN k.first_response_at IS NULL ELSE k.snoozed_until IS NOT NULL END
        ) AS moves
        FROM participants p JOIN users v ON v.id = p.user_id AND v.is_active
        WHERE p.conversation_id = %(conversation)s AND p.user_id = %(sender)s AND p.left_at IS NULL
          AND (%(reply_to)s IS NULL OR EXISTS (
               SELECT FROM messages r WHERE r.conversation_id = p.conversation_id AND r.seq = %(reply_to)s
               AND r.deleted_at IS NULL))
    ), earlier AS (
        SELECT m.id FROM caller JOIN messages m ON m.conversation_id = caller.conversation_id
            AND m.sender_id = caller.user_id AND m.client_id = %(client_id)s
    ), allotted AS (
        UPDATE conversations c
        SET last_seq = c.last_seq + 1, version = c.version + 1 + caller.moves::int,
            facts_version = CASE WHEN caller.moves THEN c.version + 2 ELSE c.facts_version END,
            changed_at = clock_timestamp(), last_activity_at = greatest(clock_timestamp(), c.last_activity_at),
            last_message_id = nextval('messages_id_seq')
        FROM caller
        WHERE c.id = caller.conversation_id AND NOT EXISTS (SELECT FROM earlier) AND NOT (c.type = 'direct' AND EXISTS (
            SELECT FROM participants q JOIN blocks b ON b.user_id = q.user_id AND b.blocked_id = caller.user_id
            WHERE q.conversation_id = c.id)) AND {_paced("c.slow_mode_s", "caller")}{only}
        RETURNING c.id, c.last_seq, c.version - caller.moves::int AS version, c.last_message_id, c.changed_at,
            c.business_id, c.slow_mode_s, caller.role, caller.moves
    ), seated AS (
        UPDATE participants p SET last_read_seq = a.last_seq, last_sent_seq = a.last_seq
        FROM allotted a
        WHERE p.conversation_id = a.id AND p.user_id = %(sender)s AND p.left_at IS NULL
          AND {_paced("a.slow_mode_s", "p")}
        RETURNING p.user_id
    ), moved AS (
        UPDATE business_cases b
        SET first_response_at = CASE a.role WHEN 'agent' THEN coalesce(b.first_response_at, a.changed_at)
                                ELSE b.first_response_at END,
            snoozed_until = CASE a.role WHEN 'agent' THEN b.snoozed_until END,
            snoozed_seq = CASE a.role WHEN 'agent' THEN b.snoozed_seq END
        FROM allotted a
        WHERE a.moves AND b.conversation_id = a.id
    ), named AS (
        INSERT INTO mentions (conversation_id, user_id, seq)
        SELECT a.id, p.user_id, a.last_seq
        FROM allotted a JOIN participants p ON p.conversation_id = a.id
        WHERE p.user_id = ANY (%(mentions)s) AND p.user_id <> %(sender)s AND p.left_at IS NULL
        RETURNING user_id
    ){taken}, written AS (
        INSERT INTO messages (id, conversation_id, seq, version, created_version, sender_id, type, content, metadata,
            mentions, reply_to_seq, reply_count, client_id, sent_at, attachments)
        SELECT a.last_message_id, a.id, a.last_seq, a.version, a.version, {sender},
            %(type)s, %(content)s, %(metadata)s,
            coalesce((SELECT array_agg(user_id ORDER BY user_id) FROM named), '{{}}'), %(reply_to)s, 0,
            %(client_id)s, a.changed_at, {files}
        FROM allotted a
        RETURNING *
    )
    SELECT {TOLD}, m.seq, m.version, (SELECT business_id FROM allotted), false, (SELECT moves FROM allotted)
    FROM written m LEFT JOIN users u ON u.id = m.sender_id
    UNION ALL
    SELECT {message("%(sender)s")}, m.seq, m.version, NULL, true, false
    FROM earlier JOIN messages m ON m.id = earlier.id LEFT JOIN users u ON u.id = m.sender_id"""


_SENT: Mapping[str, str] = {
    "body": "text",
    "seq": "bigint",
    "version": "bigint",
    "business_id": "varchar",
    "duplicate": "bool",
    "moved": "bool",
}
_SENDS_BY = (
    "participants_unique_user",
    "messages_unique_client_id",
    "conversations_pkey",
    "messages_unique_seq",
)
SEND = Routine("send_message", uses=_SENDS_BY, writes=True, parameters=_SEND, returns=_SENT, body=_sending())

# The same with files, apart from it so that others do not pay for looking. They must be the sender's own, in no other
# message, and not about to be purged; one that is not leaves everything as it was. A rival who names the same file in
# another conversation meanwhile shows in `taken`, and the message has no sender then, as where one was removed.
# Uses index: attachments_pkey.
_FREE = f"""f.id = ANY (%(attachments)s) AND f.owner_id = %(sender)s AND f.message_id IS NULL AND f.removed_at IS NULL
            AND f.uploaded_at > clock_timestamp() - interval '{limits.UNSENT_HOURS} hours'"""
_ALL = "= cardinality(%(attachments)s)"
SEND_FILES = Routine(
    "send_files",
    uses=_SENDS_BY,
    writes=True,
    parameters={**_SEND, "attachments": "uuid[]"},
    returns=_SENT,
    body=_sending(
        only=f"\n          AND (SELECT count(*) FROM attachments f WHERE {_FREE}) {_ALL}",
        taken=f""", taken AS (
        UPDATE attachments f SET message_id = a.last_message_id FROM allotted a WHERE {_FREE} RETURNING f.id
    )""",
        sender=f"CASE WHEN (SELECT count(*) FROM taken) {_ALL} THEN (SELECT user_id FROM seated) END",
        files="%(attachments)s",
    ),
)

# Many at once, under the conversation's lock: one statement however many, which costs a COPY of them and no more.
#
# - `line` gives ids before anything is written, in the order of the lines: the conversation points to the last.
# - What stands there already under the same client_id was looked up by the caller, who holds the lock.
ADD = Routine(
    "add_messages",
    uses=("conversations_pkey", "participants_unique_user"),
    writes=True,
    parameters={
        "conversation": "uuid",
        "senders": "uuid[]",
        "types": "text[]",
        "contents": "text[]",
        "client_ids": "text[]",
        "times": "timestamptz[]",
    },
    returns={"body": "text", "seq": "bigint", "version": "bigint", "business_id": "varchar"},
    body=f"""
    WITH line AS MATERIALIZED (
        SELECT nextval('messages_id_seq') AS id, line.*
        FROM unnest(%(senders)s, %(types)s, %(contents)s, %(client_ids)s, %(times)s) WITH ORDINALITY
            AS line (sender_id, type, content, client_id, sent_at, place)
    ), many AS (
        SELECT count(*) AS number, max(id) AS last_id, max(sent_at) AS newest FROM line
    ), advanced AS (
        UPDATE conversations c
        SET last_seq = c.last_seq + many.number, version = c.version + many.number, changed_at = clock_timestamp(),
            last_activity_at = greatest(c.last_activity_at, many.newest), last_message_id = many.last_id
        FROM many
        WHERE c.id = %(conversation)s AND many.number > 0
        RETURNING c.id, c.last_seq - many.number AS seq, c.version - many.number AS version, c.business_id
    ), sent AS (
        UPDATE participants p SET last_sent_seq = l.seq
        FROM (SELECT a.id, line.sender_id, max(a.seq + line.place) AS seq
              FROM advanced a, line WHERE line.sender_id IS NOT NULL GROUP BY a.id, line.sender_id) l
        WHERE p.conversation_id = l.id AND p.user_id = l.sender_id
    ), written AS (
        INSERT INTO messages (id, conversation_id, seq, version, created_version, sender_id, type, content, metadata,
            mentions, reply_count, client_id, sent_at)
        SELECT line.id, a.id, a.seq + line.place, a.version + line.place, a.version + line.place, line.sender_id,
            line.type, line.content, '{{}}', '{{}}', 0, line.client_id, line.sent_at
        FROM advanced a, line ORDER BY line.place
        RETURNING *
    )
    SELECT {TOLD}, m.seq, m.version, (SELECT business_id FROM advanced)
    FROM written m LEFT JOIN users u ON u.id = m.sender_id ORDER BY m.seq""",
)

# What nobody said apart: a comparison that takes nulls for equal is none that an index serves. OFFSET 0 has each line
# looked up by itself, however many there are: a plan that reads the conversation instead is slow where it is long.
_NAMED = """SELECT m.sender_id, m.client_id, m.seq FROM messages m
    WHERE m.conversation_id = %(conversation)s AND m.client_id = line.client_id"""
KNOWN = Routine(
    "known_lines",
    uses=("messages_unique_client_id",),
    parameters={"conversation": "uuid", "senders": "uuid[]", "client_ids": "text[]"},
    returns={"sender": "uuid", "client_id": "varchar", "seq": "bigint"},
    body=f"""
    WITH line AS MATERIALIZED (
        SELECT * FROM unnest(%(senders)s, %(client_ids)s) AS line (sender_id, client_id)
    )
    SELECT m.* FROM line CROSS JOIN LATERAL ({_NAMED} AND m.sender_id = line.sender_id OFFSET 0) m
    UNION ALL
    SELECT m.* FROM line CROSS JOIN LATERAL ({_NAMED} AND m.sender_id IS NULL OFFSET 0) m
    WHERE line.sender_id IS NULL""",
)

ROUTINES = (SEND, SEND_FILES, ADD, KNOWN)


def send_message(draft: Draft) -> Written | None:
    """Says something as a participant; None where the sender is not one, or the message replied to is not there.

    One statement, its own transaction. Raises IntegrityError where a rival was first: with the same client_id, or
    with the sender's removal.
    """
    given = {**draft._asdict(), "mentions": list(draft.mentions)}
    files = list(given.pop("attachments"))
    found = SEND_FILES.first(**given, attachments=files) if files else SEND.first(**given)
    return Written(*found) if found else None


def add_messages(
    *,
    conversation: UUID,
    senders: Sequence[UUID | None],
    types: Sequence[str],
    contents: Sequence[str],
    client_ids: Sequence[str],
    times: Sequence[datetime],
) -> list[Written]:
    """Gives lines, of which each sequence holds one value, the next places; the caller holds the conversation's lock.

    Moves the conversation's counters, and each sender's last own message. One statement. Ascending.
    """
    found = ADD.call(
        conversation=conversation,
        senders=list(senders),
        types=list(types),
        contents=list(contents),
        client_ids=list(client_ids),
        times=list(times),
    )
    return [Written(*written) for written in found]


def known_lines(
    *, conversation: UUID, senders: Sequence[UUID | None], client_ids: Sequence[str]
) -> list[tuple[UUID | None, str, int]]:
    """`(sender, client_id, seq)` of those pairs that stand here. One statement."""
    return KNOWN.call(conversation=conversation, senders=list(senders), client_ids=list(client_ids))


def message_by_client_id(*, conversation: UUID, sender: UUID, client_id: str) -> Written | None:
    """What a sender said here under this client_id. Uses index: messages_unique_client_id."""
    found = row(
        f"""SELECT {message("%(sender)s::uuid")}, m.seq, m.version, NULL, true
        FROM messages m LEFT JOIN users u ON u.id = m.sender_id
        WHERE m.conversation_id = %(conversation)s::uuid AND m.sender_id = %(sender)s::uuid
          AND m.client_id = %(client_id)s::text""",
        {"conversation": conversation, "sender": sender, "client_id": client_id},
    )
    return Written(*found) if found else None


def messages_by_seq(
    *, conversation: UUID, first: int, last: int, viewer: UUID | None = None
) -> list[Written]:
    """Messages `first` to `last` as they stand, ascending, for the events of a change just made and the reply to it.

    Uses index: messages_unique_seq.
    """
    found = rows(
        f"""SELECT {TOLD}, m.seq, m.version, c.business_id, false, false,
            CASE WHEN m.reactions IS NOT NULL AND %(viewer)s::uuid IS NOT NULL THEN {MESSAGE} END
        FROM conversations c JOIN messages m ON m.conversation_id = c.id LEFT JOIN users u ON u.id = m.sender_id
        WHERE c.id = %(conversation)s::uuid AND m.seq BETWEEN %(first)s::bigint AND %(last)s::bigint
        ORDER BY m.seq""",
        {"conversation": conversation, "first": first, "last": last, "viewer": viewer},
    )
    return [Written(*written) for written in found]


def write_notice(*, conversation: UUID, actor: UUID | None, content: str, metadata: str) -> Written:
    """A system message: the thread tells its own story. One statement. Uses index: conversations_pkey."""
    found = one(
        f"""
        WITH allotted AS (
            UPDATE conversations c
            SET last_seq = c.last_seq + 1, version = c.version + 1, changed_at = clock_timestamp(),
                last_activity_at = greatest(clock_timestamp(), c.last_activity_at),
                last_message_id = nextval('messages_id_seq')
            WHERE c.id = %(conversation)s::uuid
            RETURNING c.id, c.last_seq, c.version, c.last_message_id, c.changed_at, c.business_id
        ), written AS (
            INSERT INTO messages (id, conversation_id, seq, version, created_version, sender_id, type, content,
                metadata, mentions, reply_count, sent_at)
            SELECT a.last_message_id, a.id, a.last_seq, a.version, a.version, %(actor)s::uuid, 'system',
                %(content)s::text, %(metadata)s::jsonb, '{{}}', 0, a.changed_at
            FROM allotted a RETURNING *
        )
        SELECT {TOLD}, m.seq, m.version, (SELECT business_id FROM allotted)
        FROM written m LEFT JOIN users u ON u.id = m.sender_id""",
        {"conversation": conversation, "actor": actor, "content": content, "metadata": metadata},
    )
    return Written(*found)


def count_reply(*, conversation: UUID, seq: int, by: int) -> Written:
    """Moves a message's reply_count, a durable change of its own. One statement.

    Uses index: conversations_pkey, messages_unique_seq.
    """
    found = one(
        f"""
        WITH stamped AS (
            UPDATE conversations c SET version = c.version + 1, changed_at = clock_timestamp()
            WHERE c.id = %(conversation)s::uuid RETURNING c.id, c.version, c.business_id
        ), parent AS (
            UPDATE messages m SET reply_count = greatest(m.reply_count + %(by)s::int, 0), version = s.version
            FROM stamped s WHERE m.conversation_id = s.id AND m.seq = %(seq)s::bigint
            RETURNING m.*
        )
        SELECT {TOLD}, m.seq, m.version, (SELECT business_id FROM stamped)
        FROM parent m LEFT JOIN users u ON u.id = m.sender_id""",
        {"conversation": conversation, "seq": seq, "by": by},
    )
    return Written(*found)
