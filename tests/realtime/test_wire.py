"""Frames written past the server's `send`: the same bytes, in the same order, and never past a slow reader."""

import asyncio
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import WebSocketException
from websockets.frames import Frame
from websockets.streams import StreamReader
from websockets.sync.client import connect

from chatbackend.daphne_sockets import HANG_UPS, Formatted
from chatbackend.embedded.processes import await_ready, free_port, spawn, stop
from messaging.hub.socket import MAX_FRAMES, Socket
from messaging.hub.wire import SLICE, Burst, message
from tests.realtime.test_socket import Peer
from tests.server import ROOT


def parsed(data: bytes) -> str:
    """What a client makes of these bytes, which must be one whole message."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing: Generator[None, None, Frame] = Frame.parse(reader.read_exact, mask=False, max_size=None)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert not reader.buffer
    frame: Frame = done.value.value
    assert frame.fin
    assert frame.opcode.name == "TEXT"
    return bytes(frame.data).decode()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
def test_a_message_is_what_clients_read(size: int) -> None:
    assert parsed(message(("x" * size,))) == "x" * size


def test_lines_are_joined_and_counted_in_bytes() -> None:
    assert parsed(message(("ä" * 100, "b"))) == "ä" * 100 + "\nb"


class Pipe:
    """A wire that may be stuffed."""

    def __init__(self) -> None:
        self.free = True
        self.stuffed = False
        self.written: list[str] = []
        self.call: Callable[[], None] | None = None

    def idle(self) -> bool:
        return self.free

    def write(self, data: bytes) -> None:
        self.written.append(parsed(data))

    def full(self) -> bool:
        return self.stuffed

    def when_free(self, call: Callable[[], None]) -> None:
        self.call = call

    def drain(self) -> None:
        self.free, self.stuffed = True, False
        assert self.call is not None
        self.call()


class Wired:
    """A socket with a wire and a writer."""

    def __init__(self, burst: Burst) -> None:
        self.peer, self.pipe = Peer(), Pipe()
        self.socket = Socket(user=uuid4(), send=self.peer.send, now=0, wire=self.pipe, burst=burst)
        self.writer = asyncio.create_task(self.socket.write())


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@pytest.fixture
async def line() -> AsyncIterator[Wired]:
    opened = Wired(Burst())
    await settle()
    yield opened
    opened.writer.cancel()


async def test_what_waits_leaves_over_the_wire_as_one_message(line: Wired) -> None:
    for text in "abc":
        line.socket.offer(text)
    assert line.pipe.written == []
    await settle()
    assert (line.pipe.written, line.peer.sent) == (["a\nb\nc"], [])


async def test_a_stuffed_wire_leaves_it_to_the_writer_and_order_stays(line: Wired) -> None:
    line.pipe.free = False
    line.peer.reads.clear()
    line.socket.offer("a")
    await settle()
    line.pipe.free = True
    line.socket.offer("b")
    await settle()
    assert (line.pipe.written, line.peer.lines) == ([], [])  # the writer has `a` in its hands
    line.peer.reads.set()
    await settle()
    line.socket.offer("c")
    await settle()
    assert (line.peer.lines, line.pipe.written) == (["a", "b"], ["c"])


async def test_a_reader_that_stops_is_closed_although_there_is_a_wire(line: Wired) -> None:
    line.pipe.free = False
    line.peer.reads.clear()
    for number in range(MAX_FRAMES + 1):
        line.socket.offer(str(number))
    await settle()
    for number in range(MAX_FRAMES):
        line.socket.offer(str(number))
    assert line.socket.close_code == 4408


async def test_nothing_is_handed_to_a_server_that_holds_too_much(line: Wired) -> None:
    line.pipe.free, line.pipe.stuffed = False, True
    for text in "abc":
        line.socket.offer(text)
        await settle()
    assert (line.pipe.written, line.peer.sent) == ([], [])
    line.pipe.drain()
    await settle()
    assert line.peer.sent == [{"type": "websocket.send", "text": "a\nb\nc"}]
    line.socket.offer("d")
    await settle()
    assert line.pipe.written == ["d"]


async def test_one_who_never_reads_again_is_closed_and_told_so(line: Wired) -> None:
    line.pipe.free, line.pipe.stuffed = False, True
    for number in range(MAX_FRAMES + 1):
        line.socket.offer(str(number))
        await settle()
    assert line.peer.sent == [{"type": "websocket.close", "code": 4408}]


async def test_what_waits_is_written_before_the_end(line: Wired) -> None:
    line.socket.offer("sorry")
    line.socket.close(4403)
    await settle()
    assert line.pipe.written == []
    assert line.peer.sent == [
        {"type": "websocket.send", "text": "sorry"},
        {"type": "websocket.close", "code": 4403},
    ]


async def test_sockets_share_the_bytes_but_not_what_is_their_own() -> None:
    burst = Burst()
    lines = [Wired(burst) for _ in range(3)]
    for each in lines:
        each.socket.offer("for all")
    lines[1].socket.offer("for one")
    await settle()
    assert [each.pipe.written for each in lines] == [["for all"], ["for all\nfor one"], ["for all"]]
    for each in lines:
        each.writer.cancel()


class Flushed:
    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.times = 0

    def flush(self) -> None:
        self.times += 1
        if self.fails:
            raise OSError


async def test_one_that_fails_does_not_keep_the_others_waiting() -> None:
    burst = Burst()
    many = [Flushed(fails=place == 0) for place in range(2 * SLICE + 1)]
    for each in many:
        burst.add(each)
    await settle()
    assert {each.times for each in many} == {1}
    burst.add(many[0])
    await settle()
    assert many[0].times == 2


@pytest.fixture(scope="module")
def wired() -> Iterator[str]:
    """The address of a real Daphne with the application of `tests.realtime.wired`."""
    port = free_port()
    url = f"ws://127.0.0.1:{port}/"
    argv = [sys.executable, "-m", "daphne", "-v0", "-p", str(port), "tests.realtime.wired:application"]

    def answers() -> bool:
        with suppress(OSError, WebSocketException), connect(url):
            return True
        return False

    with tempfile.TemporaryFile() as log:
        process: subprocess.Popen[bytes] = spawn(argv, output=log, cwd=ROOT)
        try:
            ready = await_ready(process, answers, within_s=30)
            log.seek(0)
            assert ready, log.read().decode()
            yield url
        finally:
            stop(process, signal.SIGTERM, within_s=10)


def opened(url: str) -> Any:
    return connect(url, max_size=None, compression=None)


def test_daphne_offers_its_connection(wired: str) -> None:
    with opened(wired) as client:
        for size in (5, 200, 70_000):
            client.send(str(size))
            assert client.recv() == "x" * size
            assert client.recv() == "True True"


def test_a_connection_is_spared_what_nobody_reads_or_needs(wired: str) -> None:
    with opened(wired) as client:
        client.send("spared")
        assert client.recv() == "0 False"


def test_what_is_logged_is_as_it_would_be() -> None:
    assert str(Formatted([("a", 1)])) == "[('a', 1)]"


def endings(client: Any) -> tuple[int, int]:
    client.send("endings")
    ended, most = client.recv().split()
    return int(ended), int(most)


def test_those_who_hang_up_together_are_seen_off_a_few_a_turn(wired: str) -> None:
    with opened(wired) as stays:
        before, _ = endings(stays)
        crowd = [opened(wired) for _ in range(10 * HANG_UPS)]
        stays.send("doze")
        for each in crowd:
            each.socket.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + 20
        while (told := endings(stays))[0] < before + len(crowd) and time.monotonic() < until:
            time.sleep(0.05)
    assert told[0] == before + len(crowd)
    assert 1 < told[1] <= HANG_UPS


def test_what_a_slow_reader_leaves_keeps_its_place_at_daphne(wired: str) -> None:
    size = 30_000_000  # more than the system's buffers hold
    with opened(wired) as client:
        client.send(str(size))
        time.sleep(0.5)
        assert client.recv() == "x" * size
        assert client.recv() == "True False"
        client.send("3")
        assert client.recv() == "xxx"
        assert client.recv() == "True True"
