"""What a lane missed: waited for, then read once for everybody here; what is too much, they read themselves."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from conversations import events
from conversations.complaints import Complaints
from messaging.hub.lane import Lane, Missed
from messaging.hub.seating import Seating
from messaging.hub.socket import Heard, Socket

Read = Callable[[str, int], Awaitable[Missed]]

GAP_WAIT_S = 0.1  # how long a later version waits for an earlier one before PostgreSQL is asked
RETRY_S = 1.0


class Mending:
    """`read` asks PostgreSQL what happened in a conversation after a version."""

    def __init__(self, seating: Seating, read: Read) -> None:
        self._seating = seating
        self._read = read
        self._complaints = Complaints(logging.getLogger(__name__))
        self._loop = asyncio.get_running_loop()

    async def mend(self, lane: Lane) -> None:
        """Waits a moment for the missing version, then reads it."""
        try:
            await asyncio.sleep(GAP_WAIT_S)
            while lane.behind:
                before = lane.position
                if before is None:
                    lane.begin()
                else:
                    await self.fill(lane, before)
                if lane.position == before:
                    await asyncio.sleep(RETRY_S)
        finally:  # whatever broke: the sweep leaves alone what somebody sees to
            lane.waiting = False

    async def fill(self, lane: Lane, after: int) -> None:
        """Reads what came after a version; where that fails, whoever needs it asks again."""
        try:
            missed = await self._read(lane.conversation, after)
        except Exception as error:  # PostgreSQL may be away
            self._complaints.say("Missing events cannot be read (%s)", type(error).__name__)
            return
        lane.business, lane.without = missed.business or lane.business, missed.without or lane.without
        if missed.too_much:
            self._jump(lane, missed)
        lane.fill(missed)

    def _jump(self, lane: Lane, missed: Missed) -> None:
        """Before it does: everybody reads anew, and who was removed in between hears nothing after it."""
        for user, live in missed.people.items():
            for socket in self._seating.people.sockets(user) if live else ():
                self._seating.seat(socket, lane)
        send_to_read(self._seating.listeners(lane, lane.business), lane, missed.head)
        gone = [user for user, live in missed.people.items() if not live]
        lane.note_left(gone, missed.head or 0, self._loop.time())
        for socket in [one for one in lane.members if not missed.people.get(one.user, True)]:
            socket.joined_early.discard(lane.conversation)
            self._seating.unseat(socket, lane.conversation)


def send_to_read(sockets: Iterable[Socket], lane: Lane, version: int | None) -> None:
    """Tells them to read a conversation anew, which is at this version here."""
    notice = _reset_notice(lane.conversation)
    for socket in sockets:
        socket.hear(Heard(lane.conversation, version, notice, len(notice)))


def _reset_notice(line: str) -> str:
    conversation = events.conversation_of(line)
    if events.is_notes(line):
        return f'{{"event":"note.reset","conversation":"{conversation}"}}'
    return f'{{"event":"reset","conversation":"{conversation}"}}'
