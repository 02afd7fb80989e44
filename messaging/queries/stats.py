"""What a conversation is made of, in numbers."""

from datetime import date
from uuid import UUID

from conversations.queries.fragments import obj, text, word
from conversations.queries.routine import Routine

MOST_SENDERS = 100


def _list(entry: str, source: str, order: str) -> str:
    return (
        f"""'[' || coalesce((SELECT string_agg({entry}, ',' ORDER BY {order}) FROM {source} s), '') || ']'"""
    )


_BODY = obj(
    since=word("to_char(%(day)s, 'YYYY-MM-DD')"),
    messages="(SELECT coalesce(sum(number), 0) FROM counted)",
    per_day=_list(
        obj(day=word("to_char(s.day, 'YYYY-MM-DD')"), messages="s.number"),
        "(SELECT day, sum(number) AS number FROM counted GROUP BY day)",
        "s.day",
    ),
    by_type=_list(
        obj(type=text("s.type"), messages="s.number"),
        "(SELECT type, sum(number) AS number FROM counted GROUP BY type)",
        "s.number DESC, s.type",
    ),
    by_sender=_list(
        obj(user=word("s.sender_id"), messages="s.number"),
        f"""(SELECT sender_id, sum(number) AS number FROM counted GROUP BY sender_id
            ORDER BY number DESC, sender_id LIMIT {MOST_SENDERS})""",
        "s.number DESC, s.sender_id",
    ),
)

# People by their ids alone: a name may change without the conversation's version, under which this is kept.
STATS = Routine(
    "conversation_stats",
    uses=("messages_conversation_sent",),
    parameters={"conversation": "uuid", "day": "date"},
    returns={"body": "text"},
    body=f"""
        WITH counted AS MATERIALIZED (
            SELECT (m.sent_at AT TIME ZONE 'UTC')::date AS day, m.type, m.sender_id, count(*) AS number
            FROM messages m
            WHERE m.conversation_id = %(conversation)s AND m.deleted_at IS NULL AND m.type <> 'system'
            AND m.sent_at >= %(day)s::timestamp AT TIME ZONE 'UTC'
            GROUP BY 1, 2, 3
        )
        SELECT {_BODY}""",
)

ROUTINES = (STATS,)


def conversation_stats(*, conversation_id: UUID, since: date) -> str:
    """Messages since a day, by day, type and sender. The caller has checked access. One statement, which reads every
    message since then: the dearest one that a person may ask for."""
    ((body,),) = STATS.call(conversation=conversation_id, day=since)
    return str(body)
