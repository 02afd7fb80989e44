"""The mixed load: a process of its own that holds the sockets, asks over REST, and counts what comes of it.

`python -m chatbackend.loadtest.mixed.client` reads a MixedLoad as JSON from standard input. It writes JSON lines:
`{"phase": …}` as it goes on, `{"progress": …}` every second, `{"window": …}` as each is over, and `{"result": …}`.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from chatbackend.loadtest.limits import raise_open_files
from chatbackend.loadtest.mixed.http import Lines, Reply
from chatbackend.loadtest.mixed.load import SEND, SEND_REST, MixedLoad, Room
from chatbackend.loadtest.mixed.person import Person
from chatbackend.loadtest.mixed.schedule import Act, acts
from chatbackend.loadtest.mixed.tally import Tally
from chatbackend.loadtest.sockets import Score, Socket, beat, connect
from chatbackend.loadtest.telling import say, tell

NO_REPLY = (OSError, TimeoutError, EOFError, ValueError)


class Run:
    """One load from connecting to the last delivery."""

    def __init__(self, load: MixedLoad) -> None:
        self.load = load
        self.tally = Tally()
        self.lines = Lines(load.rest_url, load.lines)
        self.run_id = uuid4().hex[:12]
        self.rooms = [(room, Score()) for room in load.rooms]
        self.people = [Person(token, room, score) for room, score in self.rooms for token in room.tokens]
        self.doing: set[asyncio.Task[None]] = set()
        self.count = 0

    async def run(self) -> dict[str, Any]:
        """Returns the figures, see `_result`."""
        await self._connect()
        await tell("ready")
        gc.collect()
        gc.freeze()
        beside = [
            asyncio.create_task(each) for each in (self._watch(), self._windows(), beat(self._sockets()))
        ]
        began, worked = time.monotonic(), time.process_time()
        await self._act_on_schedule()
        seconds, cpu = time.monotonic() - began, time.process_time() - worked
        say({"phase": "sent"})
        await self._drain()
        for each in beside:
            each.cancel()
        self.lines.close()
        return self._result(seconds, cpu)

    def _sockets(self) -> Sequence[Socket]:
        return [each.socket for each in self.people]

    async def _connect(self) -> None:
        turn = asyncio.Semaphore(self.load.connecting)

        async def join(socket: Socket) -> None:
            async with turn:
                await connect(socket, self.load.socket_url)

        await asyncio.gather(*map(join, self._sockets()))

    # --- what they do

    async def _act_on_schedule(self) -> None:
        """Late or not: whatever had to wait counts its waiting."""
        load, began = self.load, time.monotonic_ns()
        plan = acts(seed=load.seed, people=len(self.people), per_s=load.actions_per_s, seconds=load.seconds)
        for act in plan:
            due = began + int(act.at_s * 1e9)
            await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            task = asyncio.create_task(self._act(act, due))
            self.doing.add(task)
            task.add_done_callback(self.doing.discard)
        await asyncio.sleep(max(0.0, load.seconds - (time.monotonic_ns() - began) / 1e9))

    async def _act(self, act: Act, due: int) -> None:
        person = self.people[act.person]
        self.count += 1
        client_id = f"{self.run_id}-{self.count}"
        if act.kind == SEND:
            person.send(client_id, due)
            return
        request = person.request(act.kind, self.count, client_id, due)
        try:
            reply = await self.lines.ask(*request)
        except NO_REPLY as error:
            self.tally.failed(act.kind, type(error).__name__)
            return
        self._answered(act.kind, person, reply, (time.monotonic_ns() - due) / 1e6)

    def _answered(self, kind: str, person: Person, reply: Reply, ms: float) -> None:
        if not 200 <= reply.status < 300:
            self.tally.failed(kind, str(reply.status))
            return
        if kind == SEND_REST:
            person.score.head = max(person.score.head, int(json.loads(reply.body)["version"]))
        self.tally.did(kind, ms)

    # --- the end

    async def _drain(self) -> None:
        """Waits until everything was answered and all that was acked has come everywhere, but not for ever."""
        until = time.monotonic() + self.load.drain_s
        while time.monotonic() < until and not self._settled():  # noqa: ASYNC110 - an event would slow each delivery
            await asyncio.sleep(0.02)

    def _settled(self) -> bool:
        waits = self.doing or any(score.scheduled for _, score in self.rooms)
        return not waits and self._lost() == 0

    def _lost(self) -> int:
        heads = self._heads()
        return sum(each.socket.stream.lost(heads[each.conversation]) for each in self.people)

    def _heads(self) -> dict[str, int]:
        """How far each conversation is known to be: by an ack, a reply, or one who heard it."""
        heads = {room.conversation: score.head for room, score in self.rooms}
        for each in self.people:
            heads[each.conversation] = max(heads[each.conversation], each.socket.stream.last)
        return heads

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1)
            failed, late = sum(self.tally.errors.values()), len(self.doing)
            say({"progress": f"{self.count:,} actions, {late:,} under way, {failed:,} failed"})

    async def _windows(self) -> None:
        while True:
            await asyncio.sleep(self.load.window_s)
            self._collect()
            say({"window": self.tally.window()})

    def _collect(self) -> None:
        for _, score in self.rooms:
            self.tally.collect(score)

    def _result(self, seconds: float, cpu: float) -> dict[str, Any]:
        self._collect()
        scores, streams = [score for _, score in self.rooms], [each.socket.stream for each in self.people]
        return {
            "seconds": seconds,
            "count": self.count,
            "ms": self.tally.ms,
            "errors": self.tally.errors,
            "what": dict(self.tally.what),
            "delivered": sum(score.delivered for score in scores),
            "delivery_ms": self.tally.delivery_ms,
            "refused": sum(score.refused for score in scores),
            "unanswered": sum(len(score.scheduled) for score in scores) + len(self.doing),
            "closed": sum(score.closed for score in scores),
            "lost": self._lost(),
            "doubled": sum(stream.doubled for stream in streams),
            "reordered": sum(stream.reordered for stream in streams),
            "resets": sum(stream.resets for stream in streams),
            "cpu": cpu / seconds,
        }


def main() -> None:
    """Runs the load that standard input holds."""
    told = json.load(sys.stdin)
    load = MixedLoad(**{**told, "rooms": [Room(**room) for room in told["rooms"]]})
    raise_open_files(sum(len(room.tokens) for room in load.rooms) + load.lines)
    say({"result": asyncio.run(_run(load))})


async def _run(load: MixedLoad) -> dict[str, Any]:
    return await Run(load).run()


if __name__ == "__main__":
    main()
