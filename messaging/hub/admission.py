"""Many who come at once: a few begin at a time, so that those who are here are not kept waiting for them.

After a restart everybody comes back. Without a turn each, thousands of openings would stand in line for the same
threads and connections as the messages of those who are connected already.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 3  # openings and replays under way
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
    """Turns to begin, given in the order they were asked for."""

    def __init__(self, *, at_once: int = AT_ONCE, max_waiting: int = MAX_WAITING) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._max_waiting = max_waiting
        self._waiting = 0
        self._booked_until = 0.0

    @asynccontextmanager
    async def turn(self, *, patient: bool = False) -> AsyncIterator[None]:
        """A turn for as long as the block runs. Raises CrowdedError, unless `patient`: who was let in may wait."""
        if not patient and self._waiting >= self._max_waiting:
            raise CrowdedError(told(self._book()))
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    def _book(self) -> float:
        """Seconds until a moment of its own, after those who wait and those who were sent away before."""
        now = asyncio.get_running_loop().time()
        earliest = now + self._waiting / RETURNS_PER_S
        self._booked_until = max(self._booked_until, earliest) + 1 / RETURNS_PER_S
        return LEAST_S + self._booked_until - now


def advice(others: int) -> str:
    """The reason of a close with 1012: when to come back, so that `others` who were told the same do not come together.

    `retry-after=SECONDS`, with one decimal.
    """
    return told(LEAST_S + random.random() * min(LONGEST_S, others / RETURNS_PER_S))


def told(seconds: float) -> str:
    """As the close frame says it."""
    return f"retry-after={seconds:.1f}"
