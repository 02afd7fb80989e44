"""The sockets of a load: what each one says, and what it counts of what it hears."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from chatbackend.loadtest import frames
from chatbackend.loadtest.stream import Stream

TEXT, CLOSE = WSMsgType.TEXT, WSMsgType.CLOSE
HELLO_S = 30.0
BEAT_S = 25.0  # every socket says in this time that it lives, as `hello` asks it to
BEATS = 100  # parts in which they say it
NEVER = 1 << 62


@dataclass(slots=True)
class Score:
    """What all sockets together did. Times are in ms."""

    delivered: int = 0
    sent: int = 0
    acked: int = 0
    refused: int = 0
    closed: int = 0
    head: int = 0
    refill_at: int = NEVER  # deliveries after which the closed loop sends again
    delivery_ms: list[float] = field(default_factory=list)
    ack_ms: list[float] = field(default_factory=list)
    storm: dict[str, Any] = field(default_factory=dict)
    scheduled: dict[int, int] = field(default_factory=dict)  # ref of a send without its ack → when it was due


class Socket(WSListener):
    """One connection."""

    def __init__(self, score: Score, conversation: str, *, timed: bool) -> None:
        self.score = score
        self.conversation = conversation
        self.timed = timed
        self.transport: WSTransport | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refill: Any = None
        self.stream = Stream(0)
        self.token = ""
        self.returning = False
        self.advised_s = 0.0  # by the server: when to come back

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self.transport is not transport:  # what an earlier connection of this one still had to say
            return
        if frame.msg_type is TEXT:
            data = frame.get_payload_as_bytes()
            if b"\n" in data:
                for line in data.split(b"\n"):
                    self._hear(line)
            else:
                self._hear(data)
            if self.score.delivered >= self.score.refill_at:
                self.refill()
        elif frame.msg_type is CLOSE:
            self.advised_s = frames.advice(frame.get_close_message())
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self.transport is not transport:  # an earlier connection of this one
            return
        self.transport = None
        self.score.closed += not self.returning
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the server closed a connection before `hello`"))

    def say(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.send(TEXT, data)

    def _hear(self, line: bytes) -> None:
        if line.startswith(frames.CREATED):
            stream, version = self.stream, frames.version(line)
            if version == stream.last + 1:
                stream.last = version
            else:
                stream.hear(version)
            self.score.delivered += 1
            if self.timed and (due := frames.scheduled_at(line)):
                self.score.delivery_ms.append((time.monotonic_ns() - due) / 1e6)
        elif line.startswith(frames.ACK):
            self._acked(line)
        elif line.startswith(frames.HELLO):
            self._greeted(line)
        elif line.startswith(frames.RESUMED):
            self.returning = False
            self._ready()
        elif line.startswith(frames.RESET):
            self.stream.reset()
        elif line.startswith(frames.REFUSED):
            self.score.refused += 1

    def _greeted(self, line: bytes) -> None:
        if self.returning:
            self.say(frames.resume(self.conversation, self.stream.last))
        else:
            self.stream = Stream(frames.head(line, self.conversation))
            self.say(frames.PING)  # wants no past: what is live need not wait for it
            self._ready()

    def _ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def leave(self) -> None:
        """Hangs up, and hears nothing more."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.disconnect(graceful=False)

    def _acked(self, line: bytes) -> None:
        score = self.score
        due = score.scheduled.pop(frames.ref(line), None)
        if due is None:
            return
        score.ack_ms.append((time.monotonic_ns() - due) / 1e6)
        score.acked += 1
        score.head = max(score.head, frames.acked_version(line))


async def connect(socket: Socket, url: str) -> None:
    """Returns when it knows where it is."""
    socket.ready = asyncio.get_running_loop().create_future()
    headers = {"Authorization": f"Bearer {socket.token}", "Sec-WebSocket-Protocol": "chat.v1"}
    try:
        await ws_connect(lambda: socket, url, extra_headers=headers, websocket_handshake_timeout=HELLO_S)
        await asyncio.wait_for(socket.ready, HELLO_S)
    except Exception:  # the next attempt must not hear with two ears
        socket.leave()
        raise


async def beat(sockets: Sequence[Socket]) -> None:
    """Says for each that it lives, and not for all at once, until it is cancelled."""
    while True:
        for number in range(BEATS):
            await asyncio.sleep(BEAT_S / BEATS)
            for socket in sockets[number::BEATS]:
                if not socket.returning:
                    socket.say(frames.PING)
