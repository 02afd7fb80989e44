"""From an event to every local socket that may hear it."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from channels.db import database_sync_to_async

from conversations import contents, events
from conversations.complaints import Complaints
from conversations.events import Batch, Envelope, PersonChange, Post
from messaging.hub.admission import Admission, advice
from messaging.hub.attendance import Attendance, Book
from messaging.hub.lane import Lane
from messaging.hub.lapses import Lapses
from messaging.hub.mending import Mending, Read, send_to_read
from messaging.hub.people import People
from messaging.hub.relay import Relay
from messaging.hub.seating import Seating
from messaging.hub.socket import Heard, Socket
from messaging.hub.sweep import Source, Sweep
from messaging.hub.wire import Burst

log = logging.getLogger(__name__)

INFINITY = float("inf")
TICK_S = 0.5
TIDY_S = 30.0
SILENCE_S = 75.0  # clients speak every 25 s; a page in the background may be a minute late
REMEMBERED = 4_096  # passing events of which a second copy is recognised

FLUSH_S = 0.2  # for the server to write its last frames
ENDS_PER_S = 500  # sockets, while the process ends
STEP_S = 0.1
LEAVE_S = 1.0

CLOSED_RESTARTING = 1012
CLOSED_TOKEN = 4401
CLOSED_SILENT = 4408


class Counts(NamedTuple):
    """What a hub has to do: who is here now, and what was handed out since it began."""

    sockets: int
    people: int
    conversations: int
    heard: int
    deliveries: int


class Hub(Seating):
    """What those who are seated hear. Everything here runs on one event loop.

    `read` asks PostgreSQL what happened in a conversation after a version; `source` is what the sweep asks and `book`
    where it is kept who is here, if they are to be.
    """

    def __init__(self, read: Read, source: Source | None = None, book: Book | None = None) -> None:
        relay = Relay(self.hear_layer)
        super().__init__(People(), relay, deliver=self._deliver, late=self._late)
        self.burst = Burst()
        self.admission = Admission()
        self.attendance = Attendance(self.people, book) if book else None
        self.ending = False
        self._mending = Mending(self, read)
        self._sweep = Sweep(self, source) if source else None
        self._lapses = Lapses(self._lapsed)
        self._passed: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)
        self._batches: deque[Batch] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = Complaints(log)
        self._heard = self._deliveries = 0

    def start(self) -> None:
        """Begins to hear this process's own events and those of the others."""
        self._relay.start()
        self._spawn(self._tick())
        if self._sweep is not None:
            self._spawn(self._sweep.run())
        if self.attendance is not None:
            self._spawn(self.attendance.run())
        events.listen(self._hear_thread)

    def disconnect(self, socket: Socket) -> None:
        """Forgets a socket."""
        super().disconnect(socket)
        if self.attendance is not None:
            self.attendance.unwatch(socket)

    # --- what they hear

    def _hear_thread(self, post: Post) -> None:
        """An event of this process, in the thread that committed it."""
        try:
            self._loop.call_soon_threadsafe(self.hear, post)
        except RuntimeError:  # the loop is closed: the process ends
            return

    def hear_layer(self, post: Post) -> None:
        """An event from the channel layer; our own we have heard already."""
        if post["origin"] != events.origin():
            self.hear(post)

    def hear(self, post: Post) -> None:
        """Events, for the first time or not; or what changed about a person."""
        frames = [envelope["frame"] for envelope in events.events_of(post)]
        if contents.locked(frames):
            self._spawn(self._unlock(post, frames))
        else:
            self._hear(post)

    async def _unlock(self, post: Post, frames: Sequence[str]) -> None:
        """Once a day: the key is fetched first. What comes meanwhile waits in its lane for what came before it."""
        try:
            await database_sync_to_async(contents.learn, thread_sensitive=False)(frames)
        except Exception as error:  # PostgreSQL may be away: the gap shows with the next version
            self._complaints.say("The key of an event cannot be read (%s)", type(error).__name__)
        else:
            self._hear(post)

    def _hear(self, post: Post) -> None:
        if post["type"] == "hub.person":
            self.obey(post["user"], post["change"], post["business"], post["session"])
        elif post["type"] == "hub.batch":
            self._batches.append(post)
            if len(self._batches) == 1:
                self._loop.call_soon(self._hear_batch)
        else:
            self._hear_event(post)

    def _hear_batch(self) -> None:
        """One, and the next after the sockets have written: a thousand messages must not fill any of them."""
        batch = self._batches[0]
        try:
            for envelope in batch["envelopes"]:
                self._hear_event(envelope)
        finally:
            self._batches.popleft()
            if self._batches:
                self._loop.call_soon(self._hear_batch)

    def _hear_event(self, envelope: Envelope) -> None:
        lane = self.known(envelope["conversation"])
        if envelope["version"] is None:
            self._pass(lane, envelope)
            return
        if lane is None:
            concerned = any(map(self.people.sockets, envelope["joined"]))
            if not concerned and not self.has_agents(envelope["business"]):
                return
            lane = self.lane(envelope["conversation"])
            if concerned:
                # Nobody here took part before this event, so nothing before it was missed. What comes right after it
                # may have been sent before we joined the group.
                lane.position = envelope["prev"]
                self._spawn(self._catch_up(lane))
        if lane.reached(envelope["version"]):
            # Another who came in between knew of it already, and the lane began behind it.
            for user in envelope["joined"]:
                self.arrive(user, envelope["conversation"], envelope["version"])
        lane.accept(envelope)

    def obey(
        self,
        user: str,
        change: PersonChange,
        business: str | None,
        session: str | None,
        *,
        until: float = INFINITY,
    ) -> None:
        """What changed about a person. `until`: sockets opened later know it already."""
        for socket in self.people.sockets(user):
            if socket.opened_at > until:
                continue
            if business is not None:
                self._change_agency(socket, business, joined=change == "agency_joined")
            elif session is None or session == socket.session:
                socket.close(CLOSED_TOKEN)

    def _change_agency(self, socket: Socket, business: str, *, joined: bool) -> None:
        if socket.gated:
            socket.agencies[business] = joined
        if joined:
            self.appoint(socket, business)
        else:
            self.dismiss(socket, business)

    def arrive(self, user: str, conversation: str, version: int) -> None:
        """Somebody took a seat at this version, whether or not an event said so.

        Where the lane is past it already, nothing of what they missed comes here any more: they read it.
        """
        for socket in self.people.sockets(user):
            if conversation not in socket.conversations:
                lane = self.lane(conversation, begin=version - 1)
                if lane.left_since(user, version):
                    continue
                if socket.gated:
                    socket.joined_early.add(conversation)
                self.seat(socket, lane)
                if lane.reached(version):
                    send_to_read([socket], lane, lane.position)

    def _pass(self, lane: Lane | None, envelope: Envelope) -> None:
        mark = (envelope["origin"], envelope["serial"])
        if envelope["business"]:  # comes through two groups where both have somebody here
            if mark in self._passed:
                return
            self._passed.append(mark)
        self._lapses.note(envelope)
        self._send_passing(lane, envelope)

    def _send_passing(self, lane: Lane | None, envelope: Envelope) -> None:
        self._send(self.audience(lane, envelope["business"]), envelope)

    def _lapsed(self, envelope: Envelope) -> None:
        self._send_passing(self.known(envelope["conversation"]), envelope)

    def _deliver(self, lane: Lane, envelope: Envelope) -> None:
        lane.used_at = self._loop.time()
        for user in envelope["joined"]:
            for socket in self.people.sockets(user):
                if socket.gated:
                    socket.joined_early.add(lane.conversation)
                self.seat(socket, lane)
        self._send(self.listeners(lane, envelope["business"]), envelope)
        lane.note_left(envelope["left"], lane.position or 0, lane.used_at)
        for user in envelope["left"]:
            for socket in self.people.sockets(user):
                socket.joined_early.discard(lane.conversation)
                self.unseat(socket, lane.conversation)

    def _send(self, audience: set[Socket], envelope: Envelope) -> None:
        if audience:
            text = contents.opened(envelope["frame"])
            self._heard += 1
            self._deliveries += len(audience)
            heard = Heard(envelope["conversation"], envelope["version"], text, len(text.encode()))
            for socket in audience:
                socket.hear(heard)

    # --- what was missed

    def _late(self, lane: Lane) -> None:
        self._spawn(self._mending.mend(lane))

    async def _catch_up(self, lane: Lane) -> None:
        await self._relay.settle()
        if lane.position is not None:
            await self._mending.fill(lane, lane.position)

    def have_agents_read(self, lane: Lane) -> None:
        """Those who answer for a case read it anew: something before the first event heard here may be lost."""
        send_to_read(self.listeners(lane, lane.business) - lane.members, lane, lane.position)

    # --- keeping house

    async def _tick(self) -> None:
        tidied_at = self._loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._end_overdue(self._loop.time())
                self.people.tidy(self._loop.time())
                if self._loop.time() > tidied_at + TIDY_S:
                    tidied_at = self._loop.time()
                    self.drop_unused(tidied_at)
            except Exception:  # the hub must outlive it
                log.exception("Keeping house failed")

    def _end_overdue(self, now: float) -> None:
        for socket in self.people.all():
            if now >= socket.expires_at:
                socket.close(CLOSED_TOKEN)
            elif now - socket.heard_at > SILENCE_S:
                socket.close(CLOSED_SILENT)

    async def end(self, within_s: float) -> None:
        """Tells everybody that the server restarts; they come back to another one, or to this one later.

        A few at a time, so that others can take them: at most `within_s` seconds long.
        """
        self.ending = True
        sockets = list(self.people.all())
        steps = max(1, math.ceil(min(within_s, len(sockets) / ENDS_PER_S) / STEP_S))
        for step in range(steps):
            for socket in sockets[step::steps]:
                socket.close(CLOSED_RESTARTING, advice(len(sockets)))
            await asyncio.sleep(STEP_S if step + 1 < steps else FLUSH_S)
        if self.attendance is not None:
            with suppress(Exception):  # others find out by themselves, later
                await asyncio.wait_for(self.attendance.leave(), LEAVE_S)

    def counts(self) -> Counts:
        """What this hub has to do."""
        sockets, people = self.people.counts()
        return Counts(sockets, people, len(self._lanes), self._heard, self._deliveries)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
