"""What must always hold of messages; see `conversations.queries.integrity`."""

from typing import Any
from uuid import UUID

import orjson

from conversations.queries.integrity import Rule
from conversations.queries.statement import rows

SEQ = Rule(
    "seq",
    "messages are numbered from 1 to last_seq without gaps",
    """SELECT c.id, format('last_seq %%s, and %%s messages from %%s to %%s', c.last_seq, there.messages, there.first,
        there.last)
    FROM conversations c, LATERAL (
        SELECT count(*) AS messages, coalesce(min(m.seq), 1) AS first, coalesce(max(m.seq), 0) AS last
        FROM messages m WHERE m.conversation_id = c.id) there
    WHERE c.id = ANY (%(ids)s::uuid[])
      AND (there.messages, there.first, there.last) IS DISTINCT FROM (c.last_seq, 1::bigint, c.last_seq)""",
)
MESSAGE_VERSIONS = Rule(
    "message_versions",
    "no message changed at a version that the conversation has not reached",
    """SELECT c.id, format('version %%s, and a message of version %%s', c.version, max(m.version))
    FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.version > c.version
    WHERE c.id = ANY (%(ids)s::uuid[]) GROUP BY c.id""",
)
# All seats of a deleted conversation end with its last version.
VERSIONS_DISTINCT = Rule(
    "versions_distinct",
    "no two changes of a conversation have the same version",
    """SELECT changed.conversation_id, format('%%s changes have version %%s', count(*), changed.version)
    FROM (
        SELECT m.conversation_id, m.version FROM messages m WHERE m.conversation_id = ANY (%(ids)s::uuid[])
        UNION ALL
        SELECT p.conversation_id, p.version FROM participants p
        JOIN conversations c ON c.id = p.conversation_id AND c.deleted_at IS NULL
        WHERE p.conversation_id = ANY (%(ids)s::uuid[]) AND p.version > 1
    ) changed
    GROUP BY changed.conversation_id, changed.version HAVING count(*) > 1""",
)
LAST_MESSAGE = Rule(
    "last_message",
    "last_message is the one numbered last_seq",
    """SELECT c.id, format('it is not message %%s', c.last_seq)
    FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
    WHERE c.id = ANY (%(ids)s::uuid[]) AND c.last_message_id IS DISTINCT FROM m.id""",
)
# Uses index: messages_conversation_sent. Notices move no conversation up in anybody's inbox. Sending
# looks at the clock twice, so the two are microseconds apart.
LAST_ACTIVITY = Rule(
    "last_activity",
    "last_activity_at is not before what was said last",
    """SELECT c.id, format('%%s, and a message of %%s', c.last_activity_at, said.sent_at)
    FROM conversations c, LATERAL (
        SELECT m.sent_at FROM messages m
        WHERE m.conversation_id = c.id AND m.deleted_at IS NULL AND m.type <> 'system'
        ORDER BY m.sent_at DESC LIMIT 1) said
    WHERE c.id = ANY (%(ids)s::uuid[]) AND c.last_activity_at < said.sent_at - interval '1 second'""",
)
MENTIONS = Rule(
    "mentions",
    "mentions are those of the messages that stand",
    """SELECT coalesce(kept.conversation_id, named.conversation_id),
        format(CASE WHEN named.seq IS NULL THEN 'user %%s is not named in message %%s'
            ELSE 'user %%s is named in message %%s, and no mention says so' END,
            coalesce(kept.user_id, named.user_id), coalesce(kept.seq, named.seq))
    FROM (SELECT * FROM mentions k WHERE k.conversation_id = ANY (%(ids)s::uuid[])) kept
    FULL JOIN (
        SELECT m.conversation_id, unnest(m.mentions) AS user_id, m.seq FROM messages m
        WHERE m.conversation_id = ANY (%(ids)s::uuid[]) AND m.deleted_at IS NULL AND m.mentions <> '{}'
    ) named USING (conversation_id, user_id, seq)
    WHERE kept.seq IS NULL OR named.seq IS NULL""",
)
REPLY_COUNT = Rule(
    "reply_count",
    "reply_count is the number of answers that stand",
    """SELECT coalesce(m.conversation_id, answers.conversation_id),
        format('message %%s says %%s, and %%s stand', coalesce(m.seq, answers.seq), coalesce(m.reply_count, 0),
            coalesce(answers.stand, 0))
    FROM (SELECT * FROM messages WHERE conversation_id = ANY (%(ids)s::uuid[]) AND reply_count > 0) m
    FULL JOIN (
        SELECT r.conversation_id, r.reply_to_seq AS seq, count(*) AS stand FROM messages r
        WHERE r.conversation_id = ANY (%(ids)s::uuid[]) AND r.reply_to_seq IS NOT NULL AND r.deleted_at IS NULL
        GROUP BY r.conversation_id, r.reply_to_seq
    ) answers ON answers.conversation_id = m.conversation_id AND answers.seq = m.seq
    WHERE m.reply_count IS DISTINCT FROM answers.stand""",
)
REACTIONS = Rule(
    "reactions",
    "a message's reactions are what people put under it",
    """SELECT m.conversation_id, format('the reactions of message %%s do not add up', m.seq)
    FROM messages m LEFT JOIN (
        SELECT put.message_id, jsonb_object_agg(put.emoji, put.people) AS counts
        FROM (
            SELECT r.message_id, emoji, count(*) AS people
            FROM messages o JOIN reactions r ON r.message_id = o.id, unnest(r.emojis) AS emoji
            WHERE o.conversation_id = ANY (%(ids)s::uuid[]) GROUP BY r.message_id, emoji
        ) put GROUP BY put.message_id
    ) there ON there.message_id = m.id, LATERAL (
        SELECT jsonb_object_agg(one->>'emoji', one->'count') AS counts
        FROM jsonb_array_elements(CASE jsonb_typeof(m.reactions) WHEN 'array' THEN m.reactions ELSE '[]' END) one) said
    WHERE m.conversation_id = ANY (%(ids)s::uuid[]) AND (m.reactions IS NOT NULL OR there.counts IS NOT NULL)
      AND said.counts IS DISTINCT FROM there.counts
    ORDER BY m.conversation_id, m.seq""",
)
# Uses index: attachments_message.
ATTACHMENTS = Rule(
    "attachments",
    "a message's files are those that say they are its",
    """SELECT m.conversation_id, format('the files of message %%s are others than it names', m.seq)
    FROM messages m LEFT JOIN (
        SELECT f.message_id, array_agg(f.id ORDER BY f.id) AS ids
        FROM messages o JOIN attachments f ON f.message_id = o.id
        WHERE o.conversation_id = ANY (%(ids)s::uuid[]) GROUP BY f.message_id
    ) there ON there.message_id = m.id
    WHERE m.conversation_id = ANY (%(ids)s::uuid[]) AND (m.attachments IS NOT NULL OR there.ids IS NOT NULL)
      AND there.ids IS DISTINCT FROM (SELECT array_agg(id ORDER BY id) FROM unnest(m.attachments) id)
    ORDER BY m.conversation_id, m.seq""",
)
# Of a deleted conversation nobody reads what is pinned.
PINS = Rule(
    "pins",
    "what is pinned stands",
    """SELECT c.id, format('message %%s is pinned, and does not stand', pin.seq)
    FROM conversations c, unnest(c.pins) AS pin (seq)
    WHERE c.id = ANY (%(ids)s::uuid[]) AND c.deleted_at IS NULL AND NOT EXISTS (
        SELECT FROM messages m WHERE m.conversation_id = c.id AND m.seq = pin.seq AND m.deleted_at IS NULL)""",
)
# Uses index: notes_unique_number, by which as many notes as the last has for a number leave no gap.
NOTES = Rule(
    "notes",
    "notes are numbered without gaps, and none changed at a version that is not reached or another's",
    """SELECT b.conversation_id, format(
        'last_number %%s and version %%s; %%s notes up to %%s, of %%s versions up to %%s',
        b.last_number, b.version, there.notes, there.last, there.versions, there.version)
    FROM notebooks b, LATERAL (
        SELECT count(*) AS notes, coalesce(max(n.number), 0) AS last, count(DISTINCT n.version) AS versions,
            coalesce(max(n.version), 0) AS version
        FROM notes n WHERE n.conversation_id = b.conversation_id) there
    WHERE b.conversation_id = ANY (%(ids)s::uuid[]) AND ((there.notes, there.last) <> (b.last_number, b.last_number)
        OR there.versions <> there.notes OR there.version > b.version)""",
)

RULES = (
    SEQ,
    MESSAGE_VERSIONS,
    VERSIONS_DISTINCT,
    LAST_MESSAGE,
    LAST_ACTIVITY,
    MENTIONS,
    REPLY_COUNT,
    REACTIONS,
    ATTACHMENTS,
    PINS,
    NOTES,
)


def miscounted(conversation: UUID) -> list[tuple[int, int]]:
    """`(seq, by)`: the messages whose reply_count is off, and by how much. One statement."""
    found = rows(
        """SELECT m.seq, (coalesce(answers.stand, 0) - m.reply_count)::int
        FROM messages m LEFT JOIN (
            SELECT r.reply_to_seq AS seq, count(*) AS stand FROM messages r
            WHERE r.conversation_id = %(conversation)s::uuid AND r.reply_to_seq IS NOT NULL AND r.deleted_at IS NULL
            GROUP BY r.reply_to_seq
        ) answers ON answers.seq = m.seq
        WHERE m.conversation_id = %(conversation)s::uuid AND m.reply_count <> coalesce(answers.stand, 0)""",
        {"conversation": conversation},
    )
    return [(int(seq), int(by)) for seq, by in found]


def reacted(conversation: UUID) -> list[tuple[int, list[dict[str, Any]]]]:
    """`(seq, [{emoji, count}])` of messages with reactions, as people put them, oldest first. One statement."""
    found = rows(
        """SELECT m.seq, coalesce(jsonb_agg(jsonb_build_object('emoji', put.emoji, 'count', put.people)
            ORDER BY put.first) FILTER (WHERE put.emoji IS NOT NULL), '[]')
        FROM messages m LEFT JOIN LATERAL (
            SELECT emoji, count(*) AS people, min(r.id) AS first FROM reactions r, unnest(r.emojis) AS emoji
            WHERE r.message_id = m.id GROUP BY emoji) put ON true
        WHERE m.conversation_id = %(conversation)s::uuid AND (m.reactions IS NOT NULL OR put.emoji IS NOT NULL)
        GROUP BY m.seq""",
        {"conversation": conversation},
    )
    return [(int(seq), orjson.loads(put)) for seq, put in found]
