"""What is measured: each case is requests to the API and the very statement that such a request runs.

A new case is a new entry in CASES.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from chatbackend.benchmark.data import Dataset, Seat
from conversations.queries import inbox
from messaging.queries import history, stats
from messaging.services import messages

SAMPLE = 64  # different requests of a case, sent in turn
PAGE = 50
DAYS = 366


@dataclass(frozen=True, slots=True)
class Call:
    """One request and who makes it."""

    method: str
    path: str
    user: UUID
    body: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one request asks of PostgreSQL. The reply's JSON is the rows' first column."""

    sql: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`calls` are the requests; `run` does in this process what one of them does, so that its statement is seen."""

    name: str
    title: str
    calls: Callable[[Dataset], Sequence[Call]]
    run: Callable[[Seat], object]


def _spread(data: Dataset) -> list[Seat]:
    """Seats from the largest conversations to the smallest."""
    step = max(1, len(data.seats) // SAMPLE)
    return list(data.seats[::step][:SAMPLE])


def _full_pages(data: Dataset) -> list[Seat]:
    """Seats in conversations that fill a page."""
    full = [seat for seat in data.seats if seat.messages >= PAGE]
    step = max(1, len(full) // SAMPLE)
    return full[::step][:SAMPLE]


def _history(data: Dataset) -> list[Call]:
    return [
        Call("GET", f"/api/v1/conversations/{seat.conversation}/messages?limit={PAGE}", seat.user)
        for seat in _full_pages(data)
    ]


def _inbox(data: Dataset) -> list[Call]:
    users = dict.fromkeys(seat.user for seat in data.seats)
    return [Call("GET", f"/api/v1/conversations?limit={PAGE}", user) for user in users]


def _send(data: Dataset) -> list[Call]:
    body = '{"content":"Shall we meet at ten, or is that too early for a Sunday?"}'
    return [
        Call("POST", f"/api/v1/conversations/{seat.conversation}/messages", seat.user, body)
        for seat in _spread(data)
    ]


def _stats(data: Dataset) -> list[Call]:
    return [
        Call("GET", f"/api/v1/conversations/{seat.conversation}/stats?days={DAYS}", seat.user)
        for seat in _full_pages(data)
    ]


def _read_history(seat: Seat) -> object:
    return history.message_history(
        viewer=seat.user, conversation_id=seat.conversation, window=history.Window(limit=PAGE)
    )


def _read_inbox(seat: Seat) -> object:
    return inbox.inbox(viewer=seat.user, wanted=inbox.InboxFilter(), limit=PAGE + 1)


def _count(seat: Seat) -> object:
    """As where nothing is kept: beside it the API shows what the cache saves."""
    since = datetime.now(UTC).date() - timedelta(days=DAYS - 1)
    return stats.conversation_stats(conversation_id=seat.conversation, since=since)


def _say(seat: Seat) -> object:
    return messages.send_message(
        sender_id=seat.user,
        conversation_id=seat.conversation,
        content="Shall we meet at ten, or is that too early?",
    )


CASES = (
    Case("history", f"History page of {PAGE}", _history, _read_history),
    Case("inbox", f"Inbox of {PAGE}", _inbox, _read_inbox),
    Case("stats", f"Numbers of {DAYS} days", _stats, _count),
    Case("send", "Send a message", _send, _say),
)


def statements(case: Case, data: Dataset) -> list[Statement]:
    """The statement of each of a case's kinds of request, with real parameters. Nothing it writes stays.

    Left out is who sends two: the first answer to a customer is noted by one more, once.
    """
    found = [_seen(case, seat) for seat in _full_pages(data)]
    return [Statement(seen[0][0], dict(seen[0][1])) for seen in found if len(seen) == 1]


def _seen(case: Case, seat: Seat) -> list[tuple[str, Any]]:
    """The statements that `run` sends, and their values; savepoints aside."""
    seen: list[tuple[str, Any]] = []

    def keep(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if params is not None:
            seen.append((sql, params))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(keep):
        case.run(seat)
        transaction.set_rollback(True)
    return seen
