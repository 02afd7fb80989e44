"""What happened lately: asked again and again by each process, so each question is one range of an index over what is
recent, whatever the size of the tables."""

from collections.abc import Sequence

from conversations.queries.routine import Routine
from messaging.records import Joined, Moved, Notice, Recent

_SINCE = "now() - make_interval(secs => %(back)s)"

# `floor`, for the cases of the businesses asked for: the first message of the time asked for.
MOVED = Routine(
    "sweep_moved",
    uses=("conversations_changed",),
    parameters={"back": "float8", "businesses": "text[]"},
    returns={
        "conversation": "uuid",
        "version": "bigint",
        "gone": "bool",
        "business": "text",
        "floor": "bigint",
    },
    body=f"""
        SELECT c.id, c.version, c.deleted_at IS NOT NULL, c.business_id::text,
            CASE WHEN c.business_id = ANY(%(businesses)s) THEN (
                SELECT min(m.version) FROM messages m
                WHERE m.conversation_id = c.id AND m.version > c.version - 200 AND m.sent_at > {_SINCE}) END
        FROM conversations c WHERE c.changed_at > {_SINCE}""",
)

JOINED = Routine(
    "sweep_joined",
    uses=("participants_joined",),
    parameters={"back": "float8"},
    returns={"conversation": "uuid", "member": "uuid", "version": "bigint"},
    body=f"""
        SELECT p.conversation_id, p.user_id, p.joined_version FROM participants p
        WHERE p.joined_at > {_SINCE} AND p.left_at IS NULL""",
)

NOTICES = Routine(
    "sweep_notices",
    uses=("socket_notices_told",),
    parameters={"back": "float8"},
    returns={
        "id": "bigint",
        "member": "uuid",
        "change": "text",
        "business": "text",
        "session": "text",
        "age": "float8",
    },
    body=f"""
        SELECT n.id, n.user_id, n.change::text, n.business_id::text, n.session::text,
            extract(epoch FROM clock_timestamp() - n.told_at)::float8
        FROM socket_notices n WHERE n.told_at > {_SINCE} ORDER BY n.id""",
)

ROUTINES = (MOVED, JOINED, NOTICES)


def recent(*, back: float, businesses: Sequence[str]) -> Recent:
    """What happened in the last `back` seconds by PostgreSQL's clock, to anybody. Three statements.

    `businesses` are those with agents among the sockets of this process. Whom the rest concerns is looked up by the
    caller: thousands may be connected, and sending their ids costs more than reading the few rows.
    """
    return Recent(
        [Moved(str(one[0]), *one[1:]) for one in MOVED.call(back=back, businesses=list(businesses))],
        [Joined(str(room), str(user), at) for room, user, at in JOINED.call(back=back)],
        [Notice(one[0], str(one[1]), *one[2:]) for one in NOTICES.call(back=back)],
    )
