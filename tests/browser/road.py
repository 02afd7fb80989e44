"""The way between a browser and the server, which can be cut, go dark, or lose what a test names."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import orjson

Frame = dict[str, Any]

TEXT, CLOSE = 0x81, 0x88  # whole messages: Daphne sends no fragments


def tells_of_a_message(frame: Frame) -> bool:
    """Whether a frame is, or acknowledges, a message that a client sent."""
    told = {"ack": "result", "message.created": "data"}.get(frame["event"])
    return told is not None and bool(frame[told].get("client_id"))


class Road:
    """Passes HTTP and WebSockets on to a server on this host, and reads the frames that come back.

    `lost` gathers the frames that it was told to lose.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._lanes: list[Lane] = []
        self._dark = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.loses: Callable[[Frame], bool] = lambda _: False
        self.lost: list[Frame] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base_url(self) -> str:
        """http://127.0.0.1:port"""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def lose(self, what: Callable[[Frame], bool]) -> None:
        """From now on frames of the server that fit do not arrive."""
        self.lost = []
        self.loses = what

    def deliver(self) -> None:
        """Everything arrives again."""
        self.loses = lambda _: False

    def darken(self) -> None:
        """Nothing passes, nobody is told: as when a router forgets. What was open stays dead for good."""
        self._dark = True
        for lane in self._lanes:
            lane.dead = True

    def lighten(self) -> None:
        """New connections pass again."""
        self._dark = False

    def cut(self) -> None:
        """Hangs up on everybody."""
        for lane in self._lanes:
            lane.hang_up()

    def say(self, text: str) -> None:
        """A text message to every socket, as if the server had sent it."""
        for lane in self._sockets():
            lane.client.sendall(message(TEXT, text.encode()))

    def close_sockets(self, code: int) -> None:
        """Ends every socket with this code, as if the server had."""
        for lane in self._sockets():
            lane.dead = True  # the server's own goodbye must not follow ours
            lane.client.sendall(message(CLOSE, struct.pack("!H", code)))
            lane.hang_up()

    def mend(self) -> None:
        """As it was at first, for the next test."""
        self.deliver()
        self.lighten()
        self.cut()
        self._lanes.clear()

    def close(self) -> None:
        """No more."""
        self._listener.close()
        self.cut()

    def _sockets(self) -> "list[Lane]":
        return [lane for lane in self._lanes if lane.is_socket and lane.client.fileno() != -1]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                lane = Lane(self, self._listener.accept()[0], dead=self._dark)
                self._lanes.append(lane)
                threading.Thread(target=lane.open, args=(self._target,), daemon=True).start()


class Lane:
    """One connection of the browser."""

    def __init__(self, road: Road, client: socket.socket, *, dead: bool) -> None:
        self.road, self.client, self.dead = road, client, dead
        self.server: socket.socket | None = None
        self.is_socket = False

    def open(self, target: tuple[str, int]) -> None:
        """Connects to the server and passes on, until one side ends."""
        head = self._head()
        self.is_socket = head.startswith(b"GET /ws/")
        try:
            self.server = socket.create_connection(target)
            self.server.sendall(head)
        except OSError:
            self.hang_up()
            return
        back = self._frames if self.is_socket else self._bytes
        threading.Thread(target=back, daemon=True).start()
        self._pump(self.client, self.server)

    def hang_up(self) -> None:
        """Ends both sides."""
        for end in (self.client, self.server):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _head(self) -> bytes:
        """The first of what the browser sends; a socket's without the wish for compression, so that it can be read."""
        with contextlib.suppress(OSError):
            head = self.client.recv(65_536)
            lines = head.split(b"\r\n")
            return b"\r\n".join(line for line in lines if not line.startswith(b"Sec-WebSocket-Extensions"))
        return b""

    def _bytes(self) -> None:
        assert self.server is not None
        self._pump(self.server, self.client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not self.dead:
                    sink.sendall(data)
        if not self.dead:
            self.hang_up()

    def _frames(self) -> None:
        assert self.server is not None
        with contextlib.suppress(OSError, EOFError), self.server.makefile("rb") as source:
            while (line := source.readline()) not in (b"\r\n", b""):
                self.client.sendall(line)
            self.client.sendall(line)
            while True:
                opcode, body = read_message(source)
                if not self.dead and (kept := self._kept(body) if opcode == TEXT else body) is not None:
                    self.client.sendall(message(opcode, kept))
        if not self.dead:
            self.hang_up()

    def _kept(self, body: bytes) -> bytes | None:
        """The lines of a message that are not lost, None where all are."""
        lines = [line for line in body.split(b"\n") if line.strip()]
        lost = [line for line in lines if self.road.loses(orjson.loads(line))]
        self.road.lost += map(orjson.loads, lost)
        return b"\n".join(line for line in lines if line not in lost) if len(lost) < len(lines) else None


def message(opcode: int, body: bytes) -> bytes:
    """A frame of the server (RFC 6455, 5.2): not masked."""
    if len(body) < 126:
        return struct.pack("!BB", opcode, len(body)) + body
    if len(body) < 65_536:
        return struct.pack("!BBH", opcode, 126, len(body)) + body
    return struct.pack("!BBQ", opcode, 127, len(body)) + body


def read_message(source: Any) -> tuple[int, bytes]:
    """The next frame of the server. Raises EOFError."""
    opcode, size = exactly(source, 2)
    if size == 126:
        (size,) = struct.unpack("!H", exactly(source, 2))
    elif size == 127:
        (size,) = struct.unpack("!Q", exactly(source, 8))
    return opcode, exactly(source, size)


def exactly(source: Any, size: int) -> bytes:
    """So many bytes. Raises EOFError."""
    data: bytes = source.read(size)
    if len(data) < size:
        raise EOFError
    return data
