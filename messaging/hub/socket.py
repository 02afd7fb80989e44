"""One connection as the hub knows it: what it may hear now, what waits to be written, and the writing."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from messaging.hub.wire import Burst, Wire

Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_FRAMES = 1_000
MAX_BYTES = 1_048_576
MAX_FLOORS = (
    2_000  # conversations of which older things may still come; the oldest is then taken to be in step again
)
BATCH_BYTES = 262_144  # of one WebSocket message; client libraries commonly refuse more than 1 MiB
GATE_S = (
    0.5  # after `hello` for a client that wants its past first: a round trip, and what it does in between
)
GATE_LATE_S = (
    0.05  # a clock that is so late says that this server was busy, and the client's word may be waiting
)
GATE_LOOKS = 20  # after which live events wait no longer, however busy it is
MAX_FIRSTS = 1_000
TURNS_AHEAD = 8  # of a socket's replays, that go before those who wait outside; then it waits with them
PATIENCE_S = 60.0  # for a client that asked for its past to read it
ABORT_S = 3.0  # how long a closing handshake may take

CLOSED_SLOW = 4408


class Heard(NamedTuple):
    """A frame for one socket. `version` is None for passing events; `size` is in bytes."""

    conversation: str
    version: int | None
    text: str
    size: int


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
        "_floors",
        "_gate",
        "_gate_timed",
        "_held",
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
        "gone",
        "heard_at",
        "joined_early",
        "opened_at",
        "session",
        "turns_ahead",
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
        self.gone = False  # the client hung up
        self.turns_ahead = TURNS_AHEAD
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
        self._gate_timed = False  # whether it is the client that the gate waits for
        self._firsts: dict[
            str, int
        ] = {}  # the first version heard of each conversation that it did not resume
        self._held: dict[str, list[Heard]] = {}  # what waits for the replay of a conversation to end
        self._floors: dict[str, int] = {}  # up to where it knows one of which older things may still come

    # --- what it hears

    def hear(self, heard: Heard) -> None:
        """An event of a conversation of this socket: now, later, or not at all where it is known already."""
        if self._gate is not None:
            self._keep(self._gate, heard)
            if self._gate_timed and self._half_full(self._kept, self._kept_bytes):
                self.open_gate()  # the client takes its time, and loses nothing by it
            return
        held = self._held.get(heard.conversation)
        if held is not None:
            self._keep(held, heard)
        elif heard.version is None or self._is_news(heard.conversation, heard.version):
            self.offer(heard.text, size=heard.size, passing=heard.version is None)

    def _is_news(self, conversation: str, version: int) -> bool:
        """Whether it does not know this yet; it does from now on."""
        floor = self._floors.get(conversation)
        if floor is not None:
            if version <= floor:
                return False
            del self._floors[conversation]
        if conversation not in self._firsts and len(self._firsts) < MAX_FIRSTS:
            self._firsts[conversation] = version
        return True

    def too_late_for(self, conversation: str, after: int) -> bool:
        """Whether what happened after this version cannot be told in order any more: later things were heard already.

        So it is of all conversations where they were too many to remember.
        """
        first = self._firsts.get(conversation)
        return len(self._firsts) >= MAX_FIRSTS if first is None else after < first - 1

    def told(self, conversation: str) -> None:
        """It was told the past, or to read it anew: asked for once more, it is told whatever is asked for."""
        if conversation in self._firsts:
            self._firsts[conversation] = 0

    def _keep(self, frames: list[Heard], heard: Heard) -> None:
        if heard.version is None and self._half_full(self._kept, self._kept_bytes):
            return
        self._count(heard, 1)
        if self._kept > MAX_FRAMES or self._kept_bytes > MAX_BYTES:
            self._count(heard, -1)
            self.close(CLOSED_SLOW)
        else:
            frames.append(heard)

    @staticmethod
    def _half_full(frames: int, size: int) -> bool:
        return frames > MAX_FRAMES // 2 or size > MAX_BYTES // 2

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
        """Opens it once a client that wants its past had time to say so, or a lot has happened meanwhile."""
        self._gate_timed = True
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
        self._floors = {conversation: begins[conversation] for conversation in ahead}

    def hold(self, conversation: str) -> None:
        """Keeps a conversation back while its past is replayed."""
        self._held.setdefault(conversation, [])

    def release(self, conversation: str, floor: int, *, settled: bool) -> None:
        """Ends `hold`: what came meanwhile follows, without what the replay brought (up to `floor`).

        `settled` says that nothing up to `floor` can come any more.
        """
        frames = self._held.pop(conversation, None)
        if frames is None:
            return
        known = self._floors.pop(conversation, 0)
        if known > floor or not settled:
            self._floors[conversation] = max(known, floor)
            if len(self._floors) > MAX_FLOORS:  # a client may name more conversations than there are
                del self._floors[next(iter(self._floors))]
        for heard in frames:
            if heard.version is not None and heard.version <= floor:
                self._count(heard, -1)
        self._release(heard for heard in frames if heard.version is None or heard.version > floor)

    def _release(self, frames: Iterable[Heard]) -> None:
        for heard in frames:
            self._count(heard, -1)
            self.hear(heard)

    # --- what leaves

    def offer(self, text: str, *, size: int | None = None, passing: bool = False) -> bool:
        """Queues one frame; whether it was taken.

        Past half of the bounds passing frames are left out; past the bounds it is closed.
        """
        if not self.listens:
            return False
        size = len(text.encode()) if size is None else size
        frames, waiting = len(self._queue) + 1, self._bytes + size
        if passing and self._half_full(frames, waiting):
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
        while self.listens and self.crowded:
            self._roomy = asyncio.Event()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._roomy.wait()
            except TimeoutError:
                self.close(CLOSED_SLOW)

    @property
    def crowded(self) -> bool:
        """Whether more than a quarter of the bounds waits."""
        return len(self._queue) > MAX_FRAMES // 4 or self._bytes > MAX_BYTES // 4

    @property
    def listens(self) -> bool:
        """Whether there is any use in telling it something."""
        return self.close_code is None and not self.gone

    def hang_up(self) -> None:
        """The client left: nothing is kept for it any more."""
        self.gone = True
        self._queue.clear()
        self._bytes = 0
        self._make_room()

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
