"""One connection's queue and what it may hear, against a server that takes what it is given, or does not."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from messaging.hub import socket as socket_module
from messaging.hub.bucket import Bucket
from messaging.hub.socket import (
    GATE_LATE_S,
    GATE_S,
    MAX_BYTES,
    MAX_FIRSTS,
    MAX_FLOORS,
    MAX_FRAMES,
    Heard,
    Socket,
)


class Peer:
    """The server's half: keeps what it is sent, and may be made to stall."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        self.sent.append(message)

    @property
    def lines(self) -> list[str]:
        return [line for message in self.sent for line in message.get("text", "").split("\n") if line]


def heard(version: int | None, conversation: str = "room") -> Heard:
    text = f"{conversation} {version}"
    return Heard(conversation, version, text, len(text))


class Open:
    """A socket with its writer running; `settle` lets the writer have its turn."""

    def __init__(self) -> None:
        self.peer = Peer()
        self.socket = Socket(user=uuid4(), send=self.peer.send, now=0)
        self.writer = asyncio.create_task(self.socket.write())

    async def settle(self) -> list[str]:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.peer.lines


@pytest.fixture
async def line() -> AsyncIterator[Open]:
    opened = Open()
    yield opened
    opened.writer.cancel()


async def test_what_waits_leaves_as_one_message(line: Open) -> None:
    for number in range(5):
        line.socket.offer(str(number))
    assert await line.settle() == ["0", "1", "2", "3", "4"]
    assert len(line.peer.sent) == 1


async def test_nothing_is_heard_before_hello_and_nothing_twice_after(line: Open) -> None:
    for version in (5, 6, 7):
        line.socket.hear(heard(version))
    line.socket.hear(heard(3, "other"))
    line.socket.begin({"room": 6, "other": 3}, [])
    line.socket.offer("hello")
    assert await line.settle() == ["hello"]
    line.socket.open_gate()
    line.socket.hear(heard(8))
    assert await line.settle() == ["hello", "room 7", "room 8"]


async def test_a_head_that_is_ahead_of_the_events_passes_over_them(line: Open) -> None:
    line.socket.begin({"room": 6}, ["room"])
    line.socket.open_gate()
    for version in (5, None, 6, 7, 8):
        line.socket.hear(heard(version))
    assert await line.settle() == ["room None", "room 7", "room 8"]


@pytest.mark.parametrize("settled", [True, False])
async def test_live_events_wait_for_a_replay(line: Open, settled: bool) -> None:
    line.socket.open_gate()
    line.socket.hold("room")
    for version in (5, 6, 7):
        line.socket.hear(heard(version))
    line.socket.hear(heard(1, "other"))
    line.socket.offer("replayed up to 6")
    line.socket.release("room", 6, settled=settled)
    line.socket.hear(heard(8))
    assert await line.settle() == ["other 1", "replayed up to 6", "room 7", "room 8"]


async def test_a_replay_ahead_of_the_events_passes_over_them(line: Open) -> None:
    line.socket.open_gate()
    line.socket.hold("room")
    line.socket.release("room", 6, settled=False)
    for version in (5, 6, 7):
        line.socket.hear(heard(version))
    assert await line.settle() == ["room 7"]


async def test_who_asks_for_the_past_after_something_newer_was_heard_is_too_late(line: Open) -> None:
    line.socket.begin({"room": 6, "quiet": 3}, [])
    line.socket.open_gate()
    for version in (7, None, 8):
        line.socket.hear(heard(version))
    assert not line.socket.too_late_for("quiet", 1)  # nothing was heard of it
    assert line.socket.too_late_for("room", 5)  # 6 would come after 7 and 8
    assert line.socket.too_late_for("room", 5)  # whatever came between: it was not told so
    assert not line.socket.too_late_for("room", 6)  # nothing before 7 is missing
    line.socket.told("room")
    assert not line.socket.too_late_for("room", 5)


async def test_of_too_many_to_remember_the_past_is_read_anew(line: Open) -> None:
    line.socket.open_gate()
    for number in range(MAX_FIRSTS):
        line.socket.hear(heard(7, str(number)))
    line.socket.hear(heard(7, "one more"))
    assert line.socket.too_late_for("one more", 3)
    line.socket.told("one more")
    assert line.socket.too_late_for("one more", 3)  # it is not known any better


async def test_any_number_may_wait_for_their_replays(line: Open) -> None:
    line.socket.open_gate()
    for number in range(MAX_FLOORS + 1_000):
        line.socket.hold(str(number))
    line.socket.release("0", 6, settled=False)
    for version in (5, 6, 7):
        line.socket.hear(heard(version, "0"))
    assert await line.settle() == ["0 7"]


async def test_the_oldest_that_may_be_out_of_step_is_forgotten(line: Open) -> None:
    line.socket.open_gate()
    for number in range(MAX_FLOORS + 1):
        line.socket.hold(str(number))
        line.socket.release(str(number), 6, settled=False)
    line.socket.hear(heard(6, "0"))
    line.socket.hear(heard(6, "1"))
    assert await line.settle() == ["0 6"]


async def test_what_passes_closes_nobody_who_waits(line: Open) -> None:
    line.socket.open_gate()
    line.socket.hold("room")
    for _ in range(MAX_FRAMES + 1):
        line.socket.hear(heard(None))
    line.socket.hear(heard(7))
    assert line.socket.close_code is None
    line.socket.release("room", 6, settled=True)
    assert (await line.settle())[-1] == "room 7"


async def test_who_says_nothing_while_much_happens_hears_it(line: Open) -> None:
    line.socket.begin({"room": 0}, [])
    line.socket.open_gate_later()
    for version in range(1, MAX_FRAMES + 100):
        line.socket.hear(heard(version))
        await asyncio.sleep(0)
    assert line.socket.close_code is None
    assert len(await line.settle()) == MAX_FRAMES + 99


async def test_nothing_is_kept_for_who_hung_up(line: Open) -> None:
    line.socket.open_gate()
    await stalled(line)
    while line.socket._bytes <= MAX_BYTES // 4:
        line.socket.offer("x" * 10_000)
    waiting = asyncio.create_task(line.socket.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    line.socket.hang_up()
    async with asyncio.timeout(1):
        await waiting
    assert not line.socket.offer("more")
    assert not line.socket._queue
    assert not line.socket.listens


async def gate_opens(line: Open) -> int:
    """After how many looks of the clock."""
    line.socket.begin({"room": 6}, [])
    line.socket.open_gate_later()
    looks = 0
    while line.socket.gated:
        looks += 1
        await asyncio.sleep(GATE_S + GATE_LATE_S / 2)
    return looks


async def test_what_is_live_waits_for_a_moment_in_which_the_client_can_be_heard(line: Open) -> None:
    asyncio.get_running_loop().call_later(
        GATE_S - 0.01, time.sleep, GATE_LATE_S + 0.1
    )  # a server that is busy
    assert await gate_opens(line) >= 2


async def test_what_is_live_waits_until_hello_has_left_but_not_for_ever(
    line: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "GATE_S", 0.01)
    await stalled(line)
    line.socket.offer("hello")
    line.socket.begin({}, [])
    line.socket.open_gate_later()
    await asyncio.sleep(0.05)
    assert line.socket.gated
    async with asyncio.timeout(5):
        while line.socket.gated:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)


async def stalled(line: Open) -> None:
    """The peer stops reading with one frame under way."""
    line.peer.reads.clear()
    line.socket.offer("under way")
    await line.settle()


@pytest.mark.parametrize("frame", ["x", "x" * (MAX_BYTES // 100)])
async def test_who_does_not_read_is_closed_with_a_bounded_queue(line: Open, frame: str) -> None:
    await stalled(line)
    count = 0
    while line.socket.close_code is None:
        line.socket.offer(frame)
        count += 1
    assert line.socket.close_code == 4408
    assert count == min(MAX_FRAMES, MAX_BYTES // len(frame)) + 1
    line.peer.reads.set()
    assert await line.settle() == ["under way"]
    assert line.peer.sent[-1] == {"type": "websocket.close", "code": 4408}


async def test_passing_events_are_left_out_first(line: Open) -> None:
    await stalled(line)
    for _ in range(MAX_FRAMES):
        line.socket.offer("typing", passing=True)
    assert line.socket.close_code is None
    for number in range(MAX_FRAMES // 2):
        line.socket.offer(str(number))
    assert line.socket.close_code is None
    line.peer.reads.set()
    lines = await line.settle()
    assert lines.count("typing") == MAX_FRAMES // 2
    assert lines[-1] == str(MAX_FRAMES // 2 - 1)


async def test_who_keeps_too_much_back_is_closed(line: Open) -> None:
    for version in range(MAX_FRAMES + 1):
        line.socket.hear(heard(version))
    assert line.socket.close_code == 4408


async def test_what_was_said_before_closing_is_still_written(line: Open) -> None:
    line.socket.offer("sorry")
    line.socket.close(4400)
    line.socket.close(4408)
    line.socket.offer("never")
    await line.settle()
    assert [message.get("text", message.get("code")) for message in line.peer.sent] == ["sorry", 4400]


async def test_a_writer_of_much_waits_for_room(line: Open) -> None:
    await stalled(line)
    for number in range(MAX_FRAMES // 2):
        line.socket.offer(str(number))
    waiting = asyncio.create_task(line.socket.room())
    await line.settle()
    assert not waiting.done()
    line.peer.reads.set()
    await asyncio.wait_for(waiting, 1)


def test_a_bucket_allows_a_burst_then_a_rate() -> None:
    bucket = Bucket(rate=2, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(101.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]
