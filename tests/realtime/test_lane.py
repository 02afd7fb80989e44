"""The order of one conversation, without servers: envelopes in, envelopes out."""

import itertools
from typing import Any
from uuid import uuid4

import orjson
import pytest

from conversations.events import Envelope
from messaging.hub.lane import MAX_HELD, Lane, Missed
from messaging.records import Change

ROOM = str(uuid4())


class Listener:
    """A lane, what it delivered, and how often it asked for help."""

    def __init__(self, position: int | None = None) -> None:
        self.delivered: list[Envelope] = []
        self.asked = 0
        self.lane = Lane(ROOM, deliver=lambda _, envelope: self.delivered.append(envelope), late=self._late)
        self.lane.position = position

    def _late(self, lane: Lane) -> None:
        self.asked += 1

    @property
    def versions(self) -> list[int | None]:
        return [envelope["version"] for envelope in self.delivered]


def envelope(version: int, prev: int | None = None, **members: Any) -> Envelope:
    given: dict[str, Any] = {
        "type": "hub.event",
        "origin": "elsewhere",
        "serial": version,
        "conversation": ROOM,
        "version": version,
        "prev": version - 1 if prev is None else prev,
        "frame": f"frame {version}",
        "joined": [],
        "left": [],
        "business": None,
    }
    return Envelope(**{**given, **members})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("order", list(itertools.permutations([6, 7, 8, 9])))
def test_any_order_becomes_the_right_one(order: tuple[int, ...]) -> None:
    listener = Listener(position=5)
    for version in order:
        listener.lane.accept(envelope(version))
        listener.lane.accept(envelope(version))
    assert listener.versions == [6, 7, 8, 9]
    assert not listener.lane.behind
    assert listener.asked == (0 if order == (6, 7, 8, 9) else 1)


def test_what_was_delivered_is_not_delivered_again() -> None:
    listener = Listener(position=5)
    for version in (5, 4, 6, 6, 1):
        listener.lane.accept(envelope(version))
    assert listener.versions == [6]


def test_versions_that_are_not_for_these_eyes_are_no_gap() -> None:
    listener = Listener(position=5)
    listener.lane.accept(envelope(9, prev=5))
    assert listener.versions == [9]


def test_the_first_event_of_a_conversation_needs_no_waiting() -> None:
    listener = Listener()
    listener.lane.accept(envelope(1))
    assert listener.versions == [1]
    assert listener.asked == 0


def test_an_unknown_position_waits_for_a_head() -> None:
    listener = Listener()
    for version in (8, 7, 6):
        listener.lane.accept(envelope(version))
    assert listener.versions == []
    assert listener.lane.start(6) == 8
    assert listener.versions == [7, 8]


def test_an_unknown_position_ends_with_the_time_for_earlier_ones() -> None:
    listener = Listener()
    for version in (8, 7):
        listener.lane.accept(envelope(version))
    assert (listener.versions, listener.asked) == ([], 1)
    listener.lane.begin()
    assert listener.versions == [7, 8]
    assert listener.lane.position == 8


def test_a_later_socket_begins_where_the_lane_is_or_where_its_head_is() -> None:
    listener = Listener(position=5)
    assert listener.lane.start(3) == 5
    assert listener.asked == 0
    assert listener.lane.start(7) == 7
    assert (listener.lane.position, listener.asked) == (5, 1)


def test_a_gap_is_filled_with_what_was_read() -> None:
    listener = Listener(position=5)
    listener.lane.accept(envelope(8))
    user = str(uuid4())
    taker = orjson.dumps({"user": {"id": user}}).decode()
    changes = [Change("message.created", 6, "{}"), Change("participant.left", 7, taker)]
    listener.lane.fill(Missed(8, [*changes, Change("message.created", 8, "{}")]))
    assert listener.versions == [6, 7, 8]
    assert [entry["prev"] for entry in listener.delivered] == [5, 6, 7]
    assert listener.delivered[1]["left"] == [user]
    assert orjson.loads(listener.delivered[0]["frame"]) == {
        "event": "message.created",
        "conversation": ROOM,
        "version": 6,
        "prev": 5,
        "data": {},
    }
    assert not listener.lane.behind


def test_what_came_while_it_was_read_follows() -> None:
    listener = Listener(position=5)
    for version in (8, 10, 9):
        listener.lane.accept(envelope(version))
    listener.lane.fill(Missed(8, [Change("message.created", 8, "{}")]))
    assert listener.versions == [8, 9, 10]
    assert listener.delivered[1]["frame"] == "frame 9"


def test_too_much_to_tell_is_left_to_the_clients() -> None:
    listener = Listener(position=5)
    for version in (900, 901):
        listener.lane.accept(envelope(version))
    listener.lane.fill(Missed(900, None))
    assert listener.versions == [901]


def test_a_conversation_that_is_gone_is_told_once() -> None:
    listener = Listener(position=5)
    listener.lane.accept(envelope(8))
    listener.lane.fill(Missed(None, None))
    assert [orjson.loads(entry["frame"])["event"] for entry in listener.delivered] == ["conversation.deleted"]
    assert not listener.lane.behind


def test_what_is_held_is_bounded_and_still_comes() -> None:
    listener = Listener(position=0)
    for version in range(2, MAX_HELD + 10):
        listener.lane.accept(envelope(version))
    listener.lane.fill(Missed(1, [Change("message.created", 1, "{}")]))
    assert listener.versions == list(range(1, MAX_HELD + 2))
    assert listener.lane.behind


def test_passing_events_do_not_belong_here() -> None:
    with pytest.raises(ValueError, match="passing"):
        Listener().lane.accept(envelope(1) | {"version": None})
