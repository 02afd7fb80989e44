"""Who is here, told to those who want to know. One round a second; what costs anything happens once a beat.

People of this process are known at once. About those of others Redis is asked: when it is told that somebody
changed, and about all who are watched once a beat, since such a notice may be lost and a process may die.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from conversations import events
from conversations.presence import SAVED_EVERY_S, Status, best, guess
from messaging.hub.here import Here
from messaging.hub.relay import Relay
from messaging.hub.socket import Socket
from messaging.hub.watch import State, Watch

log = logging.getLogger(__name__)

ROUND_S = 1.0
QUIET_S = 60.0


class Directory(Protocol):
    """Redis and PostgreSQL, as presence asks them. What is about statuses raises where Redis is away."""

    def known(self, viewer: str, users: Iterable[str]) -> Awaitable[Mapping[str, datetime | None]]:
        """Those whose presence the viewer may know, and when they were last seen."""

    def announce(self, changes: Mapping[str, Status], *, whole: bool) -> Awaitable[None]:
        """Tells what changed at this process, or everything anew."""

    def beat(self) -> Awaitable[bool]:
        """This process lives. False where it has to announce everybody anew."""

    def leave(self, within_s: float) -> Awaitable[None]:
        """This process ends."""

    def statuses(self, users: Sequence[str]) -> Awaitable[Mapping[str, Status]]:
        """Those who are connected anywhere."""

    def last_seen(self, users: Sequence[str]) -> Awaitable[Mapping[str, datetime]]:
        """When they were last seen."""

    def save(self, ages: Mapping[str, float]) -> Awaitable[None]:
        """Who was seen so many seconds ago."""


class Presence:
    """The presence of people here and of those whom sockets here watch."""

    def __init__(self, directory: Directory, relay: Relay, *, beat_s: float, away_after_s: float) -> None:
        self.here = Here(away_after_s=away_after_s, linger_s=beat_s / 3)
        self._watch = Watch()
        self._directory = directory
        self._relay = relay
        self._beat_s = beat_s
        self._beat_at = 0.0
        self._asked: set[str] = set()
        self._whole = False  # whether Redis has to be told of everybody
        self._alone_until = 0.0  # after Redis was found away it is left alone for a beat
        self._looking = asyncio.Lock()  # what is found out later is told later
        self._doubts = 0
        self._loop = asyncio.get_running_loop()
        self._complained_at = -QUIET_S

    # --- from the doors

    async def watch(self, socket: Socket, users: Iterable[str]) -> dict[str, State]:
        """From now on the socket hears of these people, where its person may. Returns what they are now."""
        known, doubts = {}, -1
        while doubts != self._doubts:  # somebody left something while it was asked
            doubts = self._doubts
            known = dict(await self._directory.known(socket.user, users))
        if socket.close_code is not None:
            return {}
        self._watch.put(socket, known)
        self._relay.want(events.PRESENCE_GROUP)
        await self._relay.settle()
        await self._look(list(known), known)
        return {user: self._watch.state(user) for user in known}

    def active(self, socket: Socket) -> None:
        """The socket's person did something."""
        self.here.active(socket.user, self._loop.time())

    def __bool__(self) -> bool:
        """Whether anybody watches anybody."""
        return bool(self._watch)

    def disconnect(self, socket: Socket, *, last: bool) -> None:
        """A socket ended, `last` of its person's."""
        self._watch.put(socket, ())
        if last:
            self.here.leave(socket.user, self._loop.time())

    def changed(self, users: Iterable[str]) -> None:
        """Another process says that these people have another status."""
        self._asked.update(self._watch.among(users))

    async def doubt(self, users: Iterable[str], sockets: Iterable[Socket]) -> None:
        """These people, who have these sockets, left something: who may know whom is asked anew."""
        self._doubts += 1
        doubtful = {socket for user in users for socket in self._watch.sockets(user)} | set(sockets)
        lists = {socket: set(self._watch.users(socket)) for socket in doubtful}
        for socket in lists:
            self._watch.put(socket, ())
        for socket, wanted in lists.items():
            if wanted and not self._watch.users(socket):  # else its client asked anew meanwhile
                await self._try(self.watch(socket, wanted))

    # --- its own rounds

    async def run(self) -> None:
        """Until the process ends."""
        while True:
            await asyncio.sleep(ROUND_S)
            await self._try(self._round(self._loop.time()))

    async def _round(self, now: float) -> None:
        beats = now >= self._beat_at
        if beats:
            self._beat_at = now + self._beat_s
        changes = self.here.settle(now, everybody=beats)
        if changes or beats:
            await self._try(self._save(now))
        await self._try(self._publish(changes, beats=beats))
        asked = {*self._watch.everybody()} if beats else self._asked | {*self._watch.among(changes)}
        self._asked = set()
        if asked:
            await self._look(list(asked))

    async def _save(self, now: float) -> None:
        seen = self.here.unsaved(now, every_s=SAVED_EVERY_S)
        if seen:
            await self._directory.save({user: now - at for user, at in seen.items()})
            self.here.saved(seen)

    async def _publish(self, changes: Mapping[str, Status], *, beats: bool) -> None:
        """To Redis first, since whoever hears of it asks there."""
        if self._whole and not beats:  # Redis was away: it is tried once a beat
            return
        everybody = self.here.statuses()
        whole, self._whole = self._whole, True  # until all of this went through
        if beats and everybody:
            whole |= not await self._directory.beat()
        if whole or changes:
            await self._directory.announce(everybody if whole else changes, whole=whole)
            events.publish_presence(list(changes))
        self._whole = False

    async def _look(self, users: Sequence[str], seen: Mapping[str, datetime | None] | None = None) -> None:
        """Finds out what these people are, at all their devices, and tells their watchers."""
        async with self._looking:
            if seen is None:
                seen = await self._directory.last_seen(users)
            found = await self._elsewhere(users, seen)
            now = self._loop.time()
            states = {
                user: State(best(self.here.status(user, now), found.get(user, "offline")), seen.get(user))
                for user in users
            }
            self._watch.tell(states)

    async def _elsewhere(
        self, users: Sequence[str], seen: Mapping[str, datetime | None]
    ) -> Mapping[str, Status]:
        """Without Redis it is guessed by when they last did something."""
        if self._loop.time() >= self._alone_until:
            try:
                return await self._directory.statuses(users)
            except Exception as error:
                self._alone_until = self._loop.time() + self._beat_s
                self._complain(error)
        return {user: guess(seen.get(user)) for user in users}

    async def end(self) -> None:
        """The process ends: its people have some seconds to come back to another one."""
        now = self._loop.time()
        await self._try(self._save(now))
        await self._try(self._directory.leave(self._beat_s))

    async def _try(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception as error:  # Redis or PostgreSQL may be away: it is made up for at a later beat
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        if time.monotonic() - self._complained_at >= QUIET_S:
            self._complained_at = time.monotonic()
            log.warning("Presence is less exact for now (%s)", type(error).__name__)
