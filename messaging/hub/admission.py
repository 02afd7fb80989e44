"""Many who come at once: a few begin at a time, so that those who are here are not kept waiting for them.

After a restart everybody comes back. Without a turn each, thousands of openings would stand in line for the same
threads and connections as the messages of those who are connected already. Whoever was let in goes before those who
wait outside: a connection takes several turns, and would else stand in the whole line for each of them. That goes for
its opening and its first replays; who asks for its past again and again stands in the line.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 4  # openings and replays under way
INSIDE_FIRST = 8  # turns of those inside before one who waits outside; an opening with a replay takes three
MAX_WAITING = 1_500  # more would wait for longer than clients do
RETURNS_PER_S = 150  # newcomers that a process takes beside its other work
LEAST_S = 0.5
LONGEST_S = 60.0


class CrowdedError(Exception):
    """Too many wait already. `reason` is what the close frame says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Admission:
    """Turns to begin: in the order they were asked for, of those inside and of those outside."""

    def __init__(self, *, at_once: int = AT_ONCE, max_waiting: int = MAX_WAITING) -> None:
        self._free = at_once
        self._inside, self._outside = _Line(), _Line()
        self._before_outside = 0  # turns of those inside since one from outside
        self._max_waiting = max_waiting
        self._booked_until = 0.0

    @asynccontextmanager
    async def turn(self, *, patient: bool = False, inside: bool = False) -> AsyncIterator[None]:
        """A turn for as long as the block runs, `inside` before those outside.

        Raises CrowdedError, unless `patient`: who was let in may wait.
        """
        if not patient and len(self._outside) >= self._max_waiting:
            raise CrowdedError(told(self._book()))
        await self._wait(self._inside if inside else self._outside)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, line: "_Line") -> None:
        if self._free:
            self._free -= 1
            return
        turn = line.join()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given and cannot be taken any more
                self._pass_on()
            raise
        finally:
            line.leave()

    def _pass_on(self) -> None:
        """Gives a turn that ended to the next."""
        outside_due = self._before_outside >= INSIDE_FIRST
        if (
            not (outside_due and self._call_outside())
            and not self._call_inside()
            and not self._call_outside()
        ):
            self._free += 1

    def _call_inside(self) -> bool:
        self._before_outside += 1
        return self._inside.call()

    def _call_outside(self) -> bool:
        self._before_outside = 0
        return self._outside.call()

    def _book(self) -> float:
        """Seconds until a moment of its own, after those who wait and those who were sent away before."""
        now = asyncio.get_running_loop().time()
        earliest = now + len(self._outside) / RETURNS_PER_S
        self._booked_until = max(self._booked_until, earliest) + 1 / RETURNS_PER_S
        return LEAST_S + self._booked_until - now


class _Line:
    """Those who wait, first come, first served. Its length counts who waits still, not who left."""

    def __init__(self) -> None:
        self._turns: deque[asyncio.Future[None]] = deque()
        self._waiting = 0

    def join(self) -> asyncio.Future[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        self._waiting += 1
        return turn

    def leave(self) -> None:
        self._waiting -= 1

    def call(self) -> bool:
        """Whether there was somebody to call."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    def __len__(self) -> int:
        return self._waiting


def advice(others: int) -> str:
    """The reason of a close with 1012: when to come back, so that `others` who were told the same do not come together.

    `retry-after=SECONDS`, with one decimal.
    """
    return told(LEAST_S + random.random() * min(LONGEST_S, others / RETURNS_PER_S))


def told(seconds: float) -> str:
    """As the close frame says it."""
    return f"retry-after={seconds:.1f}"
