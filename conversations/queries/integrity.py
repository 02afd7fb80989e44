"""What must always hold, as questions that find where it does not. Each is one statement, so it sees one moment."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from conversations.queries.statement import rows


class Rule(NamedTuple):
    """`broken` selects, of the conversations `%(ids)s`, the id and in words what is wrong, a row for each fault.

    Words name no content of messages, and no people but by id.
    """

    name: str
    holds: str
    broken: str


class Fault(NamedTuple):
    """A rule that does not hold in a conversation."""

    rule: str
    conversation: UUID
    detail: str


PARTICIPANT_COUNT = Rule(
    "participant_count",
    "participant_count is the number of live participants",
    """SELECT c.id, format('it says %%s, and there are %%s', c.participant_count, there.live)
    FROM conversations c, LATERAL (
        SELECT count(*) AS live FROM participants p WHERE p.conversation_id = c.id AND p.left_at IS NULL) there
    WHERE c.id = ANY (%(ids)s::uuid[]) AND c.participant_count <> there.live""",
)
READ_POSITIONS = Rule(
    "read_positions",
    "nobody has read or sent beyond last_seq",
    """SELECT c.id, format('user %%s has read %%s and sent %%s of %%s', p.user_id, p.last_read_seq, p.last_sent_seq,
        c.last_seq)
    FROM conversations c JOIN participants p ON p.conversation_id = c.id
    WHERE c.id = ANY (%(ids)s::uuid[]) AND greatest(p.last_read_seq, p.last_sent_seq) > c.last_seq""",
)
SEAT_VERSIONS = Rule(
    "seat_versions",
    "no participant changed at a version that the conversation has not reached",
    """SELECT c.id, format('version %%s, and a seat of version %%s', c.version, max(p.version))
    FROM conversations c JOIN participants p ON p.conversation_id = c.id
    WHERE c.id = ANY (%(ids)s::uuid[]) AND p.version > c.version GROUP BY c.id""",
)
DIRECT_PAIR = Rule(
    "direct_pair",
    "a direct conversation has the seats that its key names",
    """SELECT c.id, format('the key names %%s, and the seats are of %%s', c.direct_key, coalesce(there.key, 'nobody'))
    FROM conversations c, LATERAL (
        SELECT string_agg(p.user_id::text, ':' ORDER BY p.user_id::text) AS key FROM participants p
        WHERE p.conversation_id = c.id) there
    WHERE c.id = ANY (%(ids)s::uuid[]) AND c.type = 'direct' AND c.direct_key IS DISTINCT FROM there.key""",
)
BUSINESS_CASE = Rule(
    "business_case",
    "a business conversation has its case",
    """SELECT c.id, 'it has none' FROM conversations c
    WHERE c.id = ANY (%(ids)s::uuid[]) AND c.type = 'business'
      AND NOT EXISTS (SELECT FROM business_cases b WHERE b.conversation_id = c.id)""",
)

RULES = (PARTICIPANT_COUNT, READ_POSITIONS, SEAT_VERSIONS, DIRECT_PAIR, BUSINESS_CASE)


def faults(rule: Rule, ids: Sequence[UUID]) -> list[Fault]:
    """Where a rule does not hold among these conversations. One statement."""
    return [Fault(rule.name, *found) for found in rows(rule.broken, {"ids": list(ids)})]
