"""Who asks for what."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chatbackend.benchmark.data import Dataset, Seat
from chatbackend.benchmark.data.vocabulary import ABSENT, COMMON, rare
from messaging.models import Message

PAGE = 50
MOST_ROOMS = 200  # of a page
BULK = 500  # messages of one insert
LATELY = 30  # changes that somebody missed
CONTENT = "Shall we meet at ten, or is that too early for a Sunday?"


class Ask(NamedTuple):
    """The values of one call. `seq` is where a page ends, of `size` messages; `at` when the missed changes began."""

    user: UUID
    conversation: UUID
    size: int = 0
    seq: int = 0
    at: datetime | None = None
    text: str = ""
    business: str = ""


def _of(seat: Seat) -> Ask:
    return Ask(seat.user, seat.conversation, seat.messages, max(1, seat.messages // 10))


def largest(data: Dataset) -> Sequence[Ask]:
    """In the ten largest conversations; deep is a tenth of the way up from their beginning."""
    return [_of(seat) for seat in data.largest]


def readers(data: Dataset) -> Sequence[Ask]:
    """Twenty people with about fifty conversations each."""
    return list({seat.user: _of(seat) for seat in data.seats}.values())


def missed(data: Dataset) -> Sequence[Ask]:
    """The largest conversations, by somebody who missed thirty changes."""
    return [_missed(ask) for ask in largest(data)]


def _missed(ask: Ask) -> Ask:
    seq = max(1, ask.size - LATELY)
    at = Message.objects.get(conversation=ask.conversation, seq=seq).sent_at
    return ask._replace(seq=seq, at=at)


def desks(data: Dataset) -> Sequence[Ask]:
    """An agent of each of the ten busiest businesses."""
    return [Ask(desk.user, desk.user, business=desk.business) for desk in data.desks]


def searching(text: str, data: Dataset) -> Sequence[Ask]:
    return [ask._replace(text=text) for ask in readers(data)]


def common(data: Dataset) -> Sequence[Ask]:
    return searching(COMMON, data)


def seldom(data: Dataset) -> Sequence[Ask]:
    return searching(rare(), data)


def absent(data: Dataset) -> Sequence[Ask]:
    return searching(ABSENT, data)


def spread(data: Dataset) -> Sequence[Ask]:
    """Conversations of every size."""
    return [_of(seat) for seat in data.seats[:: max(1, len(data.seats) // 40)]]
