"""The load: a process of its own that holds the sockets, sends, and counts what they hear.

`python -m chatbackend.loadtest.client` reads a Load as JSON from standard input. It writes JSON lines: `{"phase": …}`
as it goes on, `{"progress": …}` every second, and `{"result": …}` at the end. It loads no Django and parses no JSON of
what it hears, so that what it costs is small beside what it measures.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from uuid import uuid4

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from chatbackend.loadtest import frames
from chatbackend.loadtest.limits import raise_open_files
from chatbackend.loadtest.load import Load
from chatbackend.loadtest.storm import storm
from chatbackend.loadtest.stream import Stream

TEXT, CLOSE = WSMsgType.TEXT, WSMsgType.CLOSE
TIMED = 100  # sockets whose deliveries are timed; order and loss are checked on all
WARM = 5  # sockets before the server's memory is first looked at
HELLO_S = 30.0
BEAT_S = 25.0  # every socket says in this time that it lives, as `hello` asks it to
BEATS = 100  # parts in which they say it
STUCK_S = 2.0  # a closed loop whose broadcasts do not arrive goes on with new ones
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


class Run:
    """One load from connecting to the last delivery."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.score = Score()
        self.sockets: list[Socket] = []
        self.run_id = uuid4().hex[:12]

    async def run(self) -> dict[str, Any]:
        """Returns the figures, see `_result`."""
        connecting_s = await self._connect()
        senders = cycle(self.sockets[: self.load.senders])
        await _tell("ready")
        gc.collect()
        gc.freeze()
        watch, beat = asyncio.create_task(self._watch()), asyncio.create_task(self._beat())
        began, worked = time.monotonic(), time.process_time()
        tempest = asyncio.create_task(self._storm())
        await (self._closed_loop(senders) if self.load.in_flight else self._open_loop(senders))
        await tempest
        ended = time.monotonic()
        delivered, cpu = self.score.delivered, time.process_time() - worked
        say({"phase": "sent"})
        await self._drain()
        watch.cancel()
        beat.cancel()
        return self._result(connecting_s, ended - began, delivered, cpu)

    # --- connecting

    async def _connect(self) -> float:
        """Seconds that all but the first sockets took, a few at a time."""
        tokens = list(self.load.tokens)
        for token in tokens[:WARM]:
            await self._join(token)
        await _tell("warm")
        began = time.monotonic()
        turn = asyncio.Semaphore(self.load.connecting)

        async def join(token: str) -> None:
            async with turn:
                await self._join(token)

        await asyncio.gather(*map(join, tokens[WARM:]))
        return time.monotonic() - began

    async def _join(self, token: str) -> None:
        every = max(1, len(self.load.tokens) // TIMED)
        timed = len(self.sockets) % every == 0
        socket = Socket(self.score, self.load.conversation, timed=timed)
        socket.refill = self._refill
        socket.token = token
        self.sockets.append(socket)
        await self._open(socket)

    async def _open(self, socket: Socket) -> None:
        socket.ready = asyncio.get_running_loop().create_future()
        headers = {"Authorization": f"Bearer {socket.token}", "Sec-WebSocket-Protocol": "chat.v1"}
        try:
            await ws_connect(
                lambda: socket, self.load.url, extra_headers=headers, websocket_handshake_timeout=HELLO_S
            )
            await asyncio.wait_for(socket.ready, HELLO_S)
        except Exception:  # the next attempt must not hear with two ears
            socket.leave()
            raise

    async def _storm(self) -> None:
        """Where one is asked for: all but the senders go and come back while those send on."""
        if self.load.storm_s:
            before = len(self.score.ack_ms)
            told = await storm(self.sockets[self.load.senders :], self.load.storm_s, self._open)
            self.score.storm = {**told, "ack_ms": self.score.ack_ms[before:]}

    # --- sending

    def _send(self, sender: Socket, scheduled: int) -> None:
        self.score.sent += 1
        number = self.score.sent
        self.score.scheduled[number] = scheduled
        sender.say(
            frames.send(
                conversation=self.load.conversation,
                number=number,
                client_id=f"{self.run_id}-{number}",
                scheduled=scheduled,
            )
        )

    async def _open_loop(self, senders: Any) -> None:
        """Keeps the schedule, late or not: a message that had to wait counts its waiting."""
        began = time.monotonic_ns()
        until = began + int(self.load.seconds * 1e9)
        step = int(1e9 / self.load.sends_per_s) if self.load.sends_per_s > 0 else NEVER
        due = began
        while step != NEVER and due < until:
            await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            self._send(next(senders), due)
            due += step
        await asyncio.sleep(max(0.0, (until - time.monotonic_ns()) / 1e9))

    async def _closed_loop(self, senders: Any) -> None:
        self._senders = senders
        self.score.refill_at = 0
        ends_at = time.monotonic() + self.load.seconds
        before = -1
        self._refill()
        while (left := ends_at - time.monotonic()) > 0:
            await asyncio.sleep(min(STUCK_S, left))
            if self.score.delivered == before:
                self._lend = self.score.sent * len(self.sockets) - before
                self._refill()
            before = self.score.delivered
        self.score.refill_at = NEVER

    _senders: Any = None
    _lend = 0  # deliveries that are not waited for any more

    def _refill(self) -> None:
        """Sends until so many broadcasts are under way again."""
        sockets = len(self.sockets)
        arrived = (self.score.delivered + self._lend) // sockets
        while self.score.sent < arrived + self.load.in_flight:
            self._send(next(self._senders), time.monotonic_ns())
        self.score.refill_at = (arrived + 1) * sockets - self._lend

    # --- the end

    async def _drain(self) -> None:
        """Waits until everything that was acked has come everywhere, but not for ever."""
        until = time.monotonic() + self.load.drain_s
        while time.monotonic() < until and not self._settled():  # noqa: ASYNC110 - an event would slow each delivery
            await asyncio.sleep(0.02)

    def _settled(self) -> bool:
        if self.score.scheduled:
            return False
        head = self._head()
        return all(socket.stream.lost(head) == 0 for socket in self.sockets)

    def _head(self) -> int:
        return max(self.score.head, *(socket.stream.last for socket in self.sockets))

    async def _beat(self) -> None:
        """Not all at once."""
        while True:
            for number in range(BEATS):
                await asyncio.sleep(BEAT_S / BEATS)
                for socket in self.sockets[number::BEATS]:
                    if not socket.returning:
                        socket.say(frames.PING)

    async def _watch(self) -> None:
        before = 0
        while True:
            await asyncio.sleep(1)
            delivered = self.score.delivered
            text = f"{self.score.sent:,} sent, {delivered - before:,} deliveries in the last second"
            say({"progress": text})
            before = delivered

    def _result(self, connecting_s: float, seconds: float, delivered: int, cpu: float) -> dict[str, Any]:
        streams = [socket.stream for socket in self.sockets]
        head = self._head()
        return {
            "sockets": len(self.sockets),
            "connecting_s": connecting_s,
            "connected": len(self.sockets) - WARM,
            "seconds": seconds,
            "sent": self.score.sent,
            "acked": self.score.acked,
            "refused": self.score.refused,
            "unanswered": len(self.score.scheduled),
            "closed": self.score.closed,
            "delivered": delivered,
            "delivery_ms": self.score.delivery_ms,
            "ack_ms": self.score.ack_ms,
            "lost": sum(stream.lost(head) for stream in streams),
            "doubled": sum(stream.doubled for stream in streams),
            "reordered": sum(stream.reordered for stream in streams),
            "resets": sum(stream.resets for stream in streams),
            "storm": self.score.storm,
            "cpu": cpu / seconds,
        }


def say(what: dict[str, Any]) -> None:
    """One line for the process that started this one."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def _tell(phase: str) -> None:
    """Says where it is, and waits a moment: the other side looks at the server's memory then."""
    say({"phase": phase})
    await asyncio.sleep(0.3)


def main(argv: Sequence[str] = ()) -> None:
    """Runs the load that standard input holds."""
    load = Load(**json.load(sys.stdin))
    raise_open_files(len(load.tokens))
    say({"result": asyncio.run(Run(load).run())})


if __name__ == "__main__":
    main()
