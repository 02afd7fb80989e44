"""One connection as the hub knows it: what it may hear now, what waits to be written, and the writing."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from messaging.hub.wire import Burst, Wire

Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_FRAMES = 1_000
MAX_BYTES = 1_048_576
MAX_HOLDS = 2_000  # conversations out of step; the oldest is then taken to be in step again
BATCH_BYTES = 262_144  # of one WebSocket message; client libraries commonly refuse more than 1 MiB
GATE_S = (
    0.5  # after `hello` for a client that wants its past first: a round trip, and what it does in between
)
GATE_LATE_S = (
    0.05  # a clock that is so late says that this server was busy, and the client's word may be waiting
)
GATE_LOOKS = 20  # after which live events wait no longer, however busy it is
MAX_FIRSTS = 1_000
PATIENCE_S = 60.0  # for a client that asked for its past to read it
ABORT_S = 3.0  # how long a closing handshake may take

CLOSED_SLOW = 4408


class Heard(NamedTuple):
    """A frame for one socket. `version` is None for passing events; `size` is in bytes."""

    conversation: str
    version: int | None
    text: str
    size: int


@dataclass(slots=True)
class _Hold:
    """A conversation out of step: up to `floor` the socket knows it already; `frames` wait for a replay to end."""

    floor: int
    frames: list[Heard] | None = field(default=None)


class Socket:
    """An accepted connection. Made in its own task, which is cancelled where closing gets stuck.

    Where the server offers its `wire`, frames leave on it while it is idle, many sockets in one `burst`; else, and
    where the client reads slowly, the writer sends them.

    Until `open_gate` everything heard is kept back, so that `hello` (and a replay asked for at once) comes first. Who
    asks for its past after something newer was heard has to read anew (`too_late_for`): it would be out of order.
    """

    __slots__ = (
        "_burst",
        "_bytes",
        "_called",
        "_due",
        "_firsts",
        "_gate",
        "_holds",
        "_kept",
        "_kept_bytes",
        "_owner",
        "_queue",
        "_rest",
        "_roomy",
        "_send",
        "_wire",
        "_writing",
        "active_at",
        "agencies",
        "businesses",
        "close_code",
        "close_reason",
        "conversations",
        "expires_at",
        "heard_at",
        "joined_early",
        "opened_at",
        "session",
        "unheard",
        "user",
    )

    def __init__(
        self, *, user: UUID, send: Send, now: float, wire: Wire | None = None, burst: Burst | None = None
    ) -> None:
        self.user = str(user)
        self.conversations: set[str] = set()
        self.businesses: set[str] = set()
        self.joined_early: set[str] = set()
        self.agencies: dict[str, bool] = {}  # begun or ended, as was told before `hello`
        self.unheard = False  # whether other processes could not reach this person yet when it connected
        self.expires_at = float("inf")
        self.session: str | None = None  # the sign-in that it lives by
        self.opened_at = self.heard_at = self.active_at = now  # active: more than a sign of life
        self.close_code: int | None = None
        self.close_reason = ""
        self._send = send
        self._wire = wire
        self._burst = burst if wire is not None else None
        self._due = False  # whether the burst will come by
        self._writing = False  # whether the writer is in the middle of it
        self._owner = asyncio.current_task()
        self._queue: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self._kept = self._kept_bytes = 0
        # An idle socket is most of what a server holds, and an Event takes 0.7 KB: these are there only in need.
        self._called = False  # whether the writer has something to do
        self._rest: asyncio.Future[None] | None = None  # the writer's, until it is called
        self._roomy: asyncio.Event | None = None
        self._gate: list[Heard] | None = []
        self._firsts: dict[
            str, int
        ] = {}  # of each conversation that it did not resume: the first version it heard
        self._holds: dict[str, _Hold] = {}

    # --- what it hears

    def hear(self, heard: Heard) -> None:
        """An event of a conversation of this socket: now, later, or not at all where it is known already."""
        if self._gate is not None:
            self._keep(self._gate, heard)
            return
        hold = self._holds.get(heard.conversation)
        if hold is not None and not self._passes(hold, heard):
            return
        if heard.conversation not in self._firsts and heard.version is not None:
            self._note_first(heard.conversation, heard.version)
        self.offer(heard.text, size=heard.size, passing=heard.version is None)

    def _note_first(self, conversation: str, version: int) -> None:
        if len(self._firsts) < MAX_FIRSTS:
            self._firsts[conversation] = version

    def too_late_for(self, conversation: str, after: int) -> bool:
        """Whether what happened after this version cannot be told in order any more: later things were heard already.

        Asking for the past after that is in vain, or it is about what the client heard; either way it is asked once.
        """
        first = self._firsts.pop(conversation, None)
        return first is not None and after < first - 1

    def _passes(self, hold: _Hold, heard: Heard) -> bool:
        if hold.frames is not None:
            self._keep(hold.frames, heard)
            return False
        if heard.version is None:
            return True
        if heard.version <= hold.floor:
            return False
        del self._holds[heard.conversation]
        return True

    def _keep(self, frames: list[Heard], heard: Heard) -> None:
        self._count(heard, 1)
        if self._kept > MAX_FRAMES or self._kept_bytes > MAX_BYTES:
            self._count(heard, -1)
            self.close(CLOSED_SLOW)
        else:
            frames.append(heard)

    def _count(self, heard: Heard, sign: int) -> None:
        """What is kept back, in frames and bytes."""
        self._kept += sign
        self._kept_bytes += sign * heard.size

    @property
    def gated(self) -> bool:
        """Whether everything is still kept back."""
        return self._gate is not None

    def open_gate(self) -> None:
        """Lets through what was kept back, and from now on everything. Again does nothing."""
        frames, self._gate = self._gate, None
        self._release(frames or ())

    def open_gate_later(self) -> None:
        """Opens it once a client that wants its past had time to say so."""
        self._open_after(GATE_LOOKS)

    def _open_after(self, looks: int) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(GATE_S, self._open_in_time, loop.time() + GATE_S, looks - 1)

    def _open_in_time(self, due: float, looks: int) -> None:
        """Not yet where `hello` did not leave, or this server was too busy to hear what the client says."""
        if self._gate is None or self.close_code is not None:
            return
        busy = bool(self._queue) or asyncio.get_running_loop().time() - due > GATE_LATE_S
        if busy and looks:
            self._open_after(looks)
        else:
            self.open_gate()

    def begin(self, begins: Mapping[str, int], ahead: Iterable[str], gone: Container[str] = ()) -> None:
        """`hello` tells where each conversation begins: nothing up to there is heard.

        `ahead` are those whose events up to there may still come, `gone` those of which nothing may be heard.
        """
        kept, self._gate = self._gate or [], []
        for heard in kept:
            known = heard.version is not None and heard.version <= begins.get(heard.conversation, 0)
            if known or heard.conversation in gone:
                self._count(heard, -1)
            else:
                self._gate.append(heard)
        self._holds = {conversation: _Hold(begins[conversation]) for conversation in ahead}

    def hold(self, conversation: str) -> None:
        """Keeps a conversation back while its past is replayed."""
        hold = self._holds.setdefault(conversation, _Hold(0))
        hold.frames = hold.frames or []

    def release(self, conversation: str, floor: int, *, settled: bool) -> None:
        """Ends `hold`: what came meanwhile follows, without what the replay brought (up to `floor`).

        `settled` says that nothing up to `floor` can come any more.
        """
        hold = self._holds.get(conversation)
        if hold is None or hold.frames is None:
            return
        frames, hold.frames, hold.floor = hold.frames, None, max(hold.floor, floor)
        if settled and hold.floor == floor:
            del self._holds[conversation]
        for heard in frames:
            if heard.version is not None and heard.version <= floor:
                self._count(heard, -1)
        self._release(heard for heard in frames if heard.version is None or heard.version > floor)
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """A client may name more conversations than there are."""
        if len(self._holds) <= MAX_HOLDS:
            return
        idle = [name for name, hold in self._holds.items() if hold.frames is None]
        for name in idle[: len(self._holds) - MAX_HOLDS]:
            del self._holds[name]

    def _release(self, frames: Iterable[Heard]) -> None:
        for heard in frames:
            self._count(heard, -1)
            self.hear(heard)

    # --- what leaves

    def offer(self, text: str, *, size: int | None = None, passing: bool = False) -> bool:
        """Queues one frame; whether it was taken.

        Past half of the bounds passing frames are left out; past the bounds it is closed.
        """
        if self.close_code is not None:
            return False
        size = len(text.encode()) if size is None else size
        frames, waiting = len(self._queue) + 1, self._bytes + size
        if passing and (frames > MAX_FRAMES // 2 or waiting > MAX_BYTES // 2):
            return False
        if self._queue and (frames > MAX_FRAMES or waiting > MAX_BYTES):
            self._queue.clear()
            self.close(CLOSED_SLOW)
            return False
        self._queue.append((text, size))
        self._bytes = waiting
        if self._burst is None:
            self._call()
        elif not self._due:
            self._due = True
            self._burst.add(self)
        return True

    def flush(self) -> None:
        """Writes what waits straight to the wire; leaves it to the writer where that has something to write already."""
        self._due = False
        if self._writing or self.close_code is not None or self._wire is None or self._burst is None:
            return
        while self._queue and self._wire.idle():
            self._wire.write(self._burst.message(self._take()))
        if self._queue:
            self._call()
        else:
            self._make_room()

    async def room(self) -> None:
        """Returns once less than a quarter of the bounds waits; for those who write more than a client reads.

        A client that reads nothing for `PATIENCE_S` is closed: what is to be told to it takes memory.
        """
        while self.close_code is None and (
            len(self._queue) > MAX_FRAMES // 4 or self._bytes > MAX_BYTES // 4
        ):
            self._roomy = asyncio.Event()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._roomy.wait()
            except TimeoutError:
                self.close(CLOSED_SLOW)

    def close(self, code: int, reason: str = "") -> None:
        """Writes what waits, then ends the connection with this code. The first code counts."""
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
            self._call()
            self._make_room()
            if self._owner is not None:
                asyncio.get_running_loop().call_later(ABORT_S, self._owner.cancel)

    def _make_room(self) -> None:
        if self._roomy is not None:
            self._roomy.set()

    def _call(self) -> None:
        self._called = True
        if self._rest is not None and not self._rest.done():
            self._rest.set_result(None)

    async def _until_called(self) -> None:
        while not self._called:
            self._rest = asyncio.get_running_loop().create_future()
            await self._rest
        self._called = False

    async def write(self) -> None:
        """The writer: what waits leaves as one WebSocket message of several lines. Ends with the connection."""
        while True:
            await self._until_called()
            self._writing = True
            while self._queue and not self._stuffed():
                await self._send({"type": "websocket.send", "text": "\n".join(self._take())})
            self._writing = bool(self._queue)
            if not self._writing:
                self._make_room()
            if self.close_code is not None:
                reason = {"reason": self.close_reason} if self.close_reason else {}
                await self._send({"type": "websocket.close", "code": self.close_code, **reason})
                return

    def _stuffed(self) -> bool:
        """Whether the client has to read first; the writer is called when it has. Without a wire `send` waits."""
        if self._wire is None or self.close_code is not None or not self._wire.full():
            return False
        self._wire.when_free(self._call)
        return True

    def _take(self) -> tuple[str, ...]:
        """The lines of the next WebSocket message."""
        text, size = self._queue.popleft()
        self._bytes -= size
        if not self._queue:
            return (text,)
        lines, total = [text], size
        while self._queue and total + self._queue[0][1] <= BATCH_BYTES:
            text, size = self._queue.popleft()
            self._bytes -= size
            total += size
            lines.append(text)
        return tuple(lines)
