"""Who is here: what this process tells PostgreSQL about its own people, and what its sockets want to know of others.

Every two seconds what changed is written in one statement, and one range of an index says whose presence changed
anywhere. Nothing is written for those who just stay, and Redis has no part in it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from conversations.complaints import Complaints
from messaging.hub.people import People
from messaging.hub.socket import Socket

log = logging.getLogger(__name__)

TICK_S = 2.0
BEAT_S = 10.0  # how often the process says that it lives; silent for three times as long it is taken for dead
AWAY_S = 300.0  # without doing anything on any device
GONE_AFTER_S = 6.0  # without a socket: people reconnect
OVERLAP_S = 5.0  # how long a change may take to be committed


class Seen(NamedTuple):
    """How somebody stands, as a frame's text; `status` tells whether that is news."""

    status: str
    frame: str


class Book(Protocol):
    """PostgreSQL, as it keeps who is where."""

    def beat(self) -> Awaitable[bool]:
        """Says that the process lives, and takes the people of dead ones for gone; whether it was not known."""

    def write(self, active: Mapping[str, bool], gone: Collection[str]) -> Awaitable[None]:
        """What changed about this process's people."""

    def leave(self) -> Awaitable[None]:
        """The process ends."""

    def changed(self, back: float) -> Awaitable[Sequence[str]]:
        """Whose presence changed in the last `back` seconds."""

    def news(self, pairs: Iterable[tuple[str, str]]) -> Awaitable[Mapping[tuple[str, str], Seen]]:
        """How the second of each pair stands, where the first may know."""


class Attendance:
    """Keeps a hub's people in the book, and tells its sockets of those they watch."""

    def __init__(self, people: People, book: Book) -> None:
        self._people = people
        self._book = book
        self._written: dict[str, bool] = {}
        self._left_at: dict[str, float] = {}
        self._watchers: dict[str, set[Socket]] = {}
        self._told: dict[Socket, dict[str, str]] = {}
        self._beaten_at = self._looked_at = float("-inf")
        self._complaints = Complaints(log)

    def watch(self, socket: Socket, seen: Mapping[str, Seen]) -> None:
        """From now on the socket hears of these people, and of no others; first how they stand."""
        self.unwatch(socket)
        for user in seen:
            self._watchers.setdefault(user, set()).add(socket)
        self._told[socket] = {}
        for user, one in seen.items():
            self._tell(socket, user, one)

    def unwatch(self, socket: Socket) -> None:
        """The socket hears of nobody."""
        for user in self._told.pop(socket, ()):
            watchers = self._watchers.get(user, set())
            watchers.discard(socket)
            if not watchers:
                self._watchers.pop(user, None)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until the process ends."""
        while True:
            await sleep(TICK_S)
            try:
                await self.look(asyncio.get_running_loop().time())
            except (
                Exception
            ) as error:  # PostgreSQL may be away: nothing is taken for written, and it is tried again
                self._complaints.say("Presence cannot be kept (%s)", type(error).__name__)

    async def look(self, now: float) -> None:
        """One round."""
        if self._people or self._written:
            await self._keep(now)
        if self._told:
            await self._spread(min(now - self._looked_at, AWAY_S) + OVERLAP_S)
        self._looked_at = now

    async def leave(self) -> None:
        """Everybody here is gone: the process ends."""
        if self._written:
            await self._book.leave()

    async def _keep(self, now: float) -> None:
        if now - self._beaten_at >= BEAT_S:
            if await self._book.beat():
                self._written.clear()
            self._beaten_at = now
        here = {user: now - at < AWAY_S for user, at in self._people.active_at().items()}
        active = {user: on for user, on in here.items() if self._written.get(user) is not on}
        gone = self._gone(here, now)
        if active or gone:
            await self._book.write(active, gone)
            self._written.update(active)
            for user in gone:
                self._written.pop(user, None)
                self._left_at.pop(user, None)

    def _gone(self, here: Collection[str], now: float) -> list[str]:
        for user in self._left_at.keys() & here:
            del self._left_at[user]
        for user in self._written.keys() - here:
            self._left_at.setdefault(user, now)
        return [user for user, at in self._left_at.items() if now - at >= GONE_AFTER_S]

    async def _spread(self, back: float) -> None:
        changed = self._watchers.keys() & set(await self._book.changed(back))
        pairs = {(socket.user, user) for user in changed for socket in self._watchers.get(user, ())}
        if not pairs:
            return
        for (viewer, user), seen in (await self._book.news(pairs)).items():
            for socket in list(self._watchers.get(user, ())):
                if socket.user == viewer:
                    self._tell(socket, user, seen)

    def _tell(self, socket: Socket, user: str, seen: Seen) -> None:
        """What is left out for a slow reader does not count as told."""
        told = self._told.get(socket, {})
        if told.get(user) != seen.status and socket.offer(seen.frame, passing=True):
            told[user] = seen.status
