"""From an event to every local socket that may hear it."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

from conversations import contents, events
from conversations.events import Batch, Envelope, PersonChange, Post
from messaging.hub.admission import Admission, advice
from messaging.hub.attendance import Attendance, Book
from messaging.hub.lane import Lane, Missed
from messaging.hub.lapses import Lapses
from messaging.hub.people import People
from messaging.hub.relay import Relay
from messaging.hub.socket import Heard, Socket
from messaging.hub.sweep import Source, Sweep
from messaging.hub.wire import Burst

log = logging.getLogger(__name__)

Read = Callable[[str, int], Awaitable[Missed]]

GAP_WAIT_S = 0.1  # how long a later version waits for an earlier one before PostgreSQL is asked
RETRY_S = 1.0
INFINITY = float("inf")
QUIET_S = 60.0
TICK_S = 0.5
TIDY_S = 30.0
LINGER_S = 300.0  # an unused lane keeps its place this long: people reconnect
SILENCE_S = 75.0  # clients speak every 25 s; a page in the background may be a minute late
REMEMBERED = 4_096  # passing events of which a second copy is recognised

FLUSH_S = 0.2  # for the server to write its last frames
ENDS_PER_S = 500  # sockets, while the process ends
STEP_S = 0.1
LEAVE_S = 1.0

CLOSED_RESTARTING = 1012
CLOSED_TOKEN = 4401
CLOSED_SILENT = 4408


class Hub:
    """Who listens in this process, and to what. Everything here runs on one event loop.

    `read` asks PostgreSQL what happened in a conversation after a version; `source` is what the sweep asks and `book`
    where it is kept who is here, if they are to be.
    """

    def __init__(self, read: Read, source: Source | None = None, book: Book | None = None) -> None:
        self.people = People()
        self.burst = Burst()
        self.admission = Admission()
        self.ending = False
        self._read = read
        self._sweep = Sweep(self, source) if source else None
        self.attendance = Attendance(self.people, book) if book else None
        self._lanes: dict[str, Lane] = {}
        self._businesses: dict[str, set[Socket]] = {}
        self._relay = Relay(self.hear_layer)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lapses = Lapses(self._lapsed)
        self._passed: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)
        self._batches: deque[Batch] = deque()
        self._complained_at = -QUIET_S
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

    # --- who listens

    def connect(self, socket: Socket) -> bool:
        """A new socket, which hears of new conversations from now on; False where its person has enough of them."""
        if not self.people.add(socket):
            return False
        group = events.user_group(socket.user)
        socket.unheard = not self._relay.hears(group)
        self._relay.want(group)
        return True

    async def enter(self, socket: Socket, heads: Mapping[str, int], businesses: Iterable[str]) -> bool:
        """Subscribes a socket. True where its heads must be read again.

        That is where other processes were not heard until now, or where something passed since they were read: it may
        have been this person's removal.
        """
        again = socket.unheard
        for conversation, head in heads.items():
            lane = self._lanes.get(conversation) or self.open_lane(conversation)
            again |= lane.position is None or lane.position > head
            if not lane.left_since(socket.user, head):
                self._seat(socket, lane)
        self._answer_for(socket, businesses)
        await self._relay.settle()
        return again

    def begin(self, socket: Socket, heads: Mapping[str, int], businesses: Iterable[str]) -> dict[str, int]:
        """Fixes where a socket's streams begin, given what PostgreSQL says; returns the heads that `hello` tells."""
        lanes = [(self._lanes.get(name) or self.open_lane(name), head) for name, head in heads.items()]
        starts = {lane.conversation: lane.start(head) for lane, head in lanes}
        lanes = [(lane, head) for lane, head in lanes if not lane.left_since(socket.user, head)]
        begins = {lane.conversation: starts[lane.conversation] for lane, _ in lanes}
        gone = (socket.conversations | heads.keys()) - begins.keys() - socket.joined_early
        for conversation in gone:
            self._unseat(socket, conversation)
        self._answer_for(socket, businesses)
        ahead = [lane.conversation for lane, _ in lanes if not lane.reached(begins[lane.conversation])]
        socket.begin(begins, ahead, {name for name in gone if not self._answers(socket, name)})
        for lane, _ in lanes:
            self._seat(socket, lane)
        return begins

    def _answers(self, socket: Socket, conversation: str) -> bool:
        """Whether it is a case of a business that this socket answers for."""
        lane = self._lanes.get(conversation)
        return lane is not None and lane.business in socket.businesses

    def disconnect(self, socket: Socket) -> None:
        """Forgets a socket."""
        for conversation in list(socket.conversations):
            self._unseat(socket, conversation)
        for business in list(socket.businesses):
            self._dismiss(socket, business)
        self.people.remove(socket)
        if self.attendance is not None:
            self.attendance.unwatch(socket)

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

    def release(self, socket: Socket, conversation: str, floor: int) -> None:
        """Ends `socket.hold` after a replay up to version `floor`."""
        lane = self._lanes.get(conversation)
        # Of a conversation that nobody hears here nothing comes but cases, to those who answer for a business.
        settled = not socket.businesses if lane is None else lane.reached(floor)
        socket.release(conversation, floor, settled=settled)

    def _answer_for(self, socket: Socket, businesses: Iterable[str]) -> None:
        """What was read, corrected by what was told meanwhile: the reading may be the older of the two."""
        told = socket.agencies
        now = {one for one in businesses if told.get(one, True)} | {one for one, on in told.items() if on}
        for business in socket.businesses - now:
            self._dismiss(socket, business)
        for business in now - socket.businesses:
            self._appoint(socket, business)

    def _appoint(self, socket: Socket, business: str) -> None:
        socket.businesses.add(business)
        self._businesses.setdefault(business, set()).add(socket)
        self._relay.want(events.business_group(business))

    def _dismiss(self, socket: Socket, business: str) -> None:
        socket.businesses.discard(business)
        agents = self._businesses.get(business, set())
        agents.discard(socket)
        if not agents:
            self._businesses.pop(business, None)
            self._relay.unwant(events.business_group(business))

    def _seat(self, socket: Socket, lane: Lane) -> None:
        lane.members.add(socket)
        socket.conversations.add(lane.conversation)

    def _unseat(self, socket: Socket, conversation: str) -> None:
        socket.conversations.discard(conversation)
        if lane := self._lanes.get(conversation):
            lane.members.discard(socket)
            lane.used_at = self._loop.time()

    def counts(self) -> "Counts":
        """What this hub has to do."""
        sockets, people = self.people.counts()
        return Counts(sockets, people, len(self._lanes), self._heard, self._deliveries)

    def lane(self, conversation: str) -> Lane | None:
        """Where somebody here hears this conversation, or did lately."""
        return self._lanes.get(conversation)

    def businesses(self) -> list[str]:
        """Those with agents here."""
        return list(self._businesses)

    def open_lane(self, conversation: str, *, begin: int | None = None) -> Lane:
        """`begin`: the version after which those here have heard nothing."""
        lane = Lane(conversation, deliver=self._deliver, late=self._late, now=self._loop.time())
        lane.position = begin
        self._lanes[conversation] = lane
        self._relay.want(events.conversation_group(conversation))
        return lane

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
            self._complain("The key of an event cannot be read (%s)", type(error).__name__)
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
        lane = self._lanes.get(envelope["conversation"])
        if envelope["version"] is None:
            self._pass(lane, envelope)
            return
        if lane is None:
            concerned = any(map(self.people.sockets, envelope["joined"]))
            if not concerned and envelope["business"] not in self._businesses:
                return
            lane = self.open_lane(envelope["conversation"])
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
            self._appoint(socket, business)
        else:
            self._dismiss(socket, business)

    def arrive(self, user: str, conversation: str, version: int) -> None:
        """Somebody took a seat at this version, whether or not an event said so.

        Where the lane is past it already, nothing of what they missed comes here any more: they read it.
        """
        for socket in self.people.sockets(user):
            if conversation not in socket.conversations:
                lane = self._lanes.get(conversation) or self.open_lane(conversation, begin=version - 1)
                if lane.left_since(user, version):
                    continue
                if socket.gated:
                    socket.joined_early.add(conversation)
                self._seat(socket, lane)
                if lane.reached(version):
                    self._have_read([socket], lane, lane.position)

    def _pass(self, lane: Lane | None, envelope: Envelope) -> None:
        mark = (envelope["origin"], envelope["serial"])
        if envelope["business"]:  # comes through two groups where both have somebody here
            if mark in self._passed:
                return
            self._passed.append(mark)
        self._lapses.note(envelope)
        self._send_passing(lane, envelope)

    def _send_passing(self, lane: Lane | None, envelope: Envelope) -> None:
        members: set[Socket] = lane.members if lane else set()
        self._send(self._audience(members, envelope["business"]), envelope)

    def _lapsed(self, envelope: Envelope) -> None:
        self._send_passing(self._lanes.get(envelope["conversation"]), envelope)

    def _deliver(self, lane: Lane, envelope: Envelope) -> None:
        lane.used_at = self._loop.time()
        for user in envelope["joined"]:
            for socket in self.people.sockets(user):
                if socket.gated:
                    socket.joined_early.add(lane.conversation)
                self._seat(socket, lane)
        self._send(self._listeners(lane, envelope["business"]), envelope)
        lane.note_left(envelope["left"], lane.position or 0, lane.used_at)
        for user in envelope["left"]:
            for socket in self.people.sockets(user):
                socket.joined_early.discard(lane.conversation)
                self._unseat(socket, lane.conversation)

    def _listeners(self, lane: Lane, business: str | None) -> set[Socket]:
        """Who hears what a lane delivers."""
        audience = self._audience(lane.members, business)
        return {one for one in audience if one.user not in lane.without} if lane.without else audience

    def _audience(self, members: set[Socket], business: str | None) -> set[Socket]:
        agents = self._businesses.get(business or "")
        return members | agents if agents else members

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
        self._spawn(self._mend(lane))

    async def _mend(self, lane: Lane) -> None:
        """Waits a moment for the missing version, then reads it once for everybody here."""
        await asyncio.sleep(GAP_WAIT_S)
        while lane.behind:
            before = lane.position
            if before is None:
                lane.begin()
            else:
                await self._fill(lane, before)
            if lane.position == before:
                await asyncio.sleep(RETRY_S)
        lane.waiting = False

    async def _catch_up(self, lane: Lane) -> None:
        await self._relay.settle()
        if lane.position is not None:
            await self._fill(lane, lane.position)

    async def _fill(self, lane: Lane, after: int) -> None:
        try:
            missed = await self._read(lane.conversation, after)
        except Exception as error:  # PostgreSQL may be away: whoever needs it asks again
            self._complain("Missing events cannot be read (%s)", type(error).__name__)
            return
        lane.business, lane.without = missed.business or lane.business, missed.without or lane.without
        if missed.too_much:
            self._reset(lane, missed)
        lane.fill(missed)

    def _reset(self, lane: Lane, missed: Missed) -> None:
        """Before the lane jumps: everybody reads anew, and who was removed in between hears nothing after it."""
        for user, live in missed.people.items():
            for socket in self.people.sockets(user) if live else ():
                self._seat(socket, lane)
        self._have_read(self._listeners(lane, lane.business), lane, missed.head)
        gone = [user for user, live in missed.people.items() if not live]
        lane.note_left(gone, missed.head or 0, self._loop.time())
        for socket in [one for one in lane.members if not missed.people.get(one.user, True)]:
            socket.joined_early.discard(lane.conversation)
            self._unseat(socket, lane.conversation)

    def send_to_read(self, lane: Lane) -> None:
        """Those who answer for a case read it anew: something before the first event heard here may be lost."""
        self._have_read(self._listeners(lane, lane.business) - lane.members, lane, lane.position)

    def _have_read(self, sockets: Iterable[Socket], lane: Lane, version: int | None) -> None:
        """Tells them to read a conversation anew, which is at this version here."""
        notice = _reset_notice(lane.conversation)
        for socket in sockets:
            socket.hear(Heard(lane.conversation, version, notice, len(notice)))

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
                    self._drop_unused(tidied_at)
            except Exception:  # the hub must outlive it
                log.exception("Keeping house failed")

    def _end_overdue(self, now: float) -> None:
        for socket in self.people.all():
            if now >= socket.expires_at:
                socket.close(CLOSED_TOKEN)
            elif now - socket.heard_at > SILENCE_S:
                socket.close(CLOSED_SILENT)

    def _drop_unused(self, now: float) -> None:
        unused = [
            lane
            for lane in self._lanes.values()
            if not lane.members and not lane.waiting and now - lane.used_at > LINGER_S
        ]
        for lane in unused:
            del self._lanes[lane.conversation]
            self._relay.unwant(events.conversation_group(lane.conversation))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _complain(self, text: str, *args: object) -> None:
        if time.monotonic() - self._complained_at >= QUIET_S:
            self._complained_at = time.monotonic()
            log.warning(text, *args)


def _reset_notice(line: str) -> str:
    conversation = events.conversation_of(line)
    if events.is_notes(line):
        return f'{{"event":"note.reset","conversation":"{conversation}"}}'
    return f'{{"event":"reset","conversation":"{conversation}"}}'


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current(read: Read, source: Source, book: Callable[[], Book]) -> Hub:
    """The hub of the running event loop, made for its first socket."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub(read, source, book())
        hub.start()
    return hub


class Counts(NamedTuple):
    """What the hubs of this process have to do: who is here now, and what was handed out since it began."""

    sockets: int
    people: int
    conversations: int
    heard: int
    deliveries: int


def counts() -> Counts:
    """Of all hubs of this process; may be asked from any thread."""
    return Counts(
        *map(sum, zip((0, 0, 0, 0, 0), *(hub.counts() for hub in list(_hubs.values())), strict=True))
    )


async def drain(within_s: float) -> None:
    """Ends every socket of the running event loop, in steps, and waits until they were told."""
    if hub := _hubs.get(asyncio.get_running_loop()):
        await hub.end(within_s)
