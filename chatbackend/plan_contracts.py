"""The hot queries of chat as contracts: dbperf holds their plans against them, knowing nothing of chat."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from conversations.queries import blocks, inbox
from conversations.queries.routine import Routine
from dbperf.connections import Database
from dbperf.plans import Contract, register
from messaging.queries import (
    changes,
    history,
    pins,
    receipts,
    replies,
    revisions,
    search,
    sockets,
    sweep,
    writing,
)

LIMIT = 50
ROUTINES = (
    *inbox.ROUTINES,
    *blocks.ROUTINES,
    *history.ROUTINES,
    *replies.ROUTINES,
    *receipts.ROUTINES,
    *revisions.ROUTINES,
    *pins.ROUTINES,
    *writing.ROUTINES,
    *changes.ROUTINES,
    *sockets.ROUTINES,
    *sweep.ROUTINES,
    *search.ROUTINES,
)
# Twice what each touches for somebody with fifty conversations, among 1,000,000 messages.
MOST_BUFFERS = {
    "inbox": 1_600,
    "business_inbox": 1_600,
    "conversation_view": 60,
    "unread_totals": 800,
    "message_history": 400,
    "message_history_of_type": 600,
    "one_message": 60,
    "own_messages": 600,
    "message_replies": 400,
    "message_receipts": 600,
    "message_revisions": 60,
    "conversation_pins": 500,
    "blocks": 400,
    "changes_since": 800,
    "changes_since_each": 8_000,
    "conversation_head": 40,
    "conversations_moved": 800,
    "socket_opening": 600,
    "sweep_moved": 60,
    "sweep_joined": 60,
    "sweep_notices": 60,
    "known_lines": 400,
    "search_rare": 3_000,
    "search_walk": 6_000,
    "search_indexed": 3_000,
}
# Planned for anybody, PostgreSQL expects a handful of rows of a person, and cares little which of the two finds them.
ALIKE = {"participants_user_live": "participants_user_live|participants_user_joined"}
ELSEWHERE = 3_000  # of one that is not named above
_SAMPLE = """
    WITH busiest AS (
        SELECT id, last_seq FROM (
            SELECT id, last_seq FROM conversations WHERE type = 'group' AND deleted_at IS NULL
            ORDER BY last_activity_at DESC LIMIT 500) lively
        ORDER BY last_seq DESC, id LIMIT 1
    ), viewer AS (
        SELECT user_id FROM (
            SELECT user_id FROM participants JOIN busiest ON conversation_id = busiest.id
            WHERE left_at IS NULL ORDER BY user_id LIMIT 100) there
        ORDER BY abs(50 - (SELECT count(*) FROM participants p WHERE p.user_id = there.user_id AND p.left_at IS NULL)),
            user_id LIMIT 1
    ), desk AS (
        SELECT g.user_id, g.business_id FROM (
            SELECT business_id FROM conversations WHERE type = 'business' AND deleted_at IS NULL
            ORDER BY last_activity_at DESC LIMIT 1) newest
        JOIN business_agents g USING (business_id) ORDER BY g.user_id LIMIT 1
    )
    SELECT busiest.id AS conversation, busiest.last_seq, viewer.user_id AS viewer, desk.user_id AS agent,
        desk.business_id AS business, ARRAY(
            SELECT conversation_id FROM participants
            WHERE user_id = viewer.user_id AND left_at IS NULL LIMIT 50) AS conversations
    FROM busiest, viewer LEFT JOIN desk ON true"""


def register_all() -> None:
    """From now on `manage.py check_plans` and the clock know them."""
    for routine in ROUTINES:
        register(_contract(routine))
    register(
        Contract(
            name="search_indexed",
            statement=search.INDEXED,
            parameters=search.INDEXED_TYPES,
            values=partial(_values, "search_indexed", search.INDEXED_TYPES),
            uses=("messages_search",),
            most_buffers=MOST_BUFFERS["search_indexed"],
            modes=("custom",),  # it is planned each time, for its words
        )
    )


def _contract(routine: Routine) -> Contract:
    return Contract(
        name=routine.name,
        statement=routine.plain,
        parameters=routine.parameters,
        values=partial(_values, routine.name, routine.parameters),
        uses=[ALIKE.get(index, index) for index in routine.uses],
        most_buffers=MOST_BUFFERS.get(routine.name, ELSEWHERE),
        writes=routine.writes,
    )


def _values(name: str, parameters: Mapping[str, str], database: Database) -> Mapping[str, Any]:
    """Of somebody with about fifty conversations, in the busiest group of late; nobody where there are none."""
    found = database.rows(_SAMPLE)
    sample = found[0] if found else dict.fromkeys(_NOBODY)
    given = {**dict.fromkeys(parameters), **_FIXED, **_sampled(sample), **_OWN.get(name, _nothing)(sample)}
    return {parameter: given[parameter] for parameter in parameters}


_NOBODY = ("conversation", "last_seq", "viewer", "agent", "business", "conversations")
_FIXED: Mapping[str, Any] = {
    "limit": LIMIT,
    "known": 0,
    "content": "hello",
    "metadata": "{}",
    "client_id": "of-nobody",
    "mentions": [],
    "only_named": False,
    "past": receipts.NOBODY,
    "back": 5.0,
    "session": "of-nobody",
    "query": "'nobodysaidthis'",
    "partial": "'nobodysaidthis':*",
    "bytes": 1_048_576,
    "depth": 51,
    "by_rank": False,
    "budget": 512,
    "nearest": 16,
    "marks": 4,
}


def _sampled(sample: Mapping[str, Any]) -> dict[str, Any]:
    rooms = sample["conversations"] or []
    return {
        "viewer": sample["viewer"],
        "sender": sample["viewer"],
        "conversation": sample["conversation"],
        "conversations": rooms,
        "ids": rooms,
        "versions": [1] * len(rooms),
        "knowns": [1] * len(rooms),
        "seq": (sample["last_seq"] or 2) // 2,
        "reply_to": (sample["last_seq"] or 2) // 2,
        "after": max(0, (sample["last_seq"] or 0) - 200),
        "business": sample["business"],
        "businesses": [sample["business"]] if sample["business"] else [],
    }


def _nothing(sample: Mapping[str, Any]) -> dict[str, Any]:
    return {}


# What a query needs beside, or other than, what the others take.
_OWN: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "business_inbox": lambda sample: {"viewer": sample["agent"]},
    "send_message": lambda sample: {"type": "text"},
    "send_files": lambda sample: {"type": "text", "attachments": [UUID(int=0)]},
    "add_messages": lambda sample: {
        "senders": [sample["viewer"]] * LIMIT,
        "types": ["text"] * LIMIT,
        "contents": ["hello"] * LIMIT,
        "client_ids": [f"of-nobody-{number}" for number in range(LIMIT)],
        "times": [datetime(2026, 1, 1, tzinfo=UTC)] * LIMIT,
    },
    "known_lines": lambda sample: {
        "senders": [sample["viewer"]] * LIMIT,
        "client_ids": [f"of-nobody-{number}" for number in range(LIMIT)],
    },
    "message_history_of_type": lambda sample: {"type": "image", "after": None},
    "message_history": lambda sample: {"after": None},
    "message_replies": lambda sample: {"after": 0},
    "message_revisions": lambda sample: {"after": 0},
    "search_rare": lambda sample: {"sender": None, "seq": None, "conversation": None},
    "search_walk": lambda sample: {"sender": None, "seq": None, "conversation": None},
    "search_indexed": lambda sample: {"sender": None, "seq": None, "conversation": None},
}
