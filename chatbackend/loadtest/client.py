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
from itertools import cycle
from typing import Any
from uuid import uuid4

from chatbackend.loadtest import frames
from chatbackend.loadtest.limits import raise_open_files
from chatbackend.loadtest.load import Load
from chatbackend.loadtest.sockets import NEVER, Score, Socket, beat, connect
from chatbackend.loadtest.storm import storm
from chatbackend.loadtest.telling import say, tell

TIMED = 100  # sockets whose deliveries are timed; order and loss are checked on all
WARM = 5  # sockets before the server's memory is first looked at
STUCK_S = 2.0  # a closed loop whose broadcasts do not arrive goes on with new ones


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
        await tell("ready")
        gc.collect()
        gc.freeze()
        watch, beats = asyncio.create_task(self._watch()), asyncio.create_task(beat(self.sockets))
        began, worked = time.monotonic(), time.process_time()
        tempest = asyncio.create_task(self._storm())
        await (self._closed_loop(senders) if self.load.in_flight else self._open_loop(senders))
        await tempest
        ended = time.monotonic()
        delivered, cpu = self.score.delivered, time.process_time() - worked
        say({"phase": "sent"})
        await self._drain()
        watch.cancel()
        beats.cancel()
        return self._result(connecting_s, ended - began, delivered, cpu)

    # --- connecting

    async def _connect(self) -> float:
        """Seconds that all but the first sockets took, a few at a time."""
        tokens = list(self.load.tokens)
        for token in tokens[:WARM]:
            await self._join(token)
        await tell("warm")
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
        await connect(socket, self.load.url)

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


def main(argv: Sequence[str] = ()) -> None:
    """Runs the load that standard input holds."""
    load = Load(**json.load(sys.stdin))
    raise_open_files(len(load.tokens))
    say({"result": asyncio.run(Run(load).run())})


if __name__ == "__main__":
    main()
