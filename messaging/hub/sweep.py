"""What no event told: found in PostgreSQL, every second and a half.

Events are hints. Where Redis is away, restarts or drops one, each process still learns what changed: from one range of
an index over what is recent, compared with what it delivered. What it has delivered already costs a look into a
dictionary.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from conversations.complaints import Complaints
from messaging.hub.lane import Lane, Missed
from messaging.records import Change, Moved, Notice, Recent

if TYPE_CHECKING:
    from messaging.hub.hub import Hub

log = logging.getLogger(__name__)

PERIOD_S = 1.5
OVERLAP_S = 5.0  # how long a change may take from its time stamp to its commit, and how far clocks may differ
FAR_OVERLAP_S = 60.0  # the same for those that take longer: looked for every tenth time
FAR_EVERY = 10
GRACE_S = 0.2  # for the event that is on its way
AT_ONCE = 50  # conversations read in one statement
MAX_CHANGES = 200  # of one conversation; more is read by itself
COMMIT_S = 1.0  # sockets that were opened so soon after a notice may have read what was before its commit
REMEMBERED = 4_096  # notices that were obeyed


class Source(Protocol):
    """PostgreSQL, as the sweep asks it."""

    def recent(self, back: float, businesses: Sequence[str]) -> Awaitable[Recent]:
        """What happened in the last `back` seconds."""

    def changes(self, cursors: Mapping[str, int], limit: int) -> Awaitable[Mapping[str, Sequence[Change]]]:
        """Up to `limit` changes of each conversation after its version, ascending."""


class _Late(NamedTuple):
    lane: Lane
    moved: Moved

    @property
    def still(self) -> bool:
        """Whether it is still behind, and nobody else sees to that."""
        position = self.lane.position
        return position is not None and position < self.moved.version and not self.lane.waiting


class Sweep:
    """Sees to it that what a hub missed is delivered."""

    def __init__(self, hub: "Hub", source: Source) -> None:
        self._hub = hub
        self._source = source
        self._obeyed: deque[int] = deque(maxlen=REMEMBERED)
        self._looked_at = 0.0
        self._count = 0
        self._complaints = Complaints(log)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until the process ends."""
        loop = asyncio.get_running_loop()
        self._looked_at = loop.time()
        while True:
            await sleep(PERIOD_S)
            try:
                await self.look(loop.time())
            except (
                Exception
            ) as error:  # PostgreSQL may be away: the next look reaches back to the last good one
                self._complaints.say("Looking for missed events failed (%s)", type(error).__name__)

    async def look(self, now: float) -> None:
        """One round. The time since the last one that went through is looked over, and some before it."""
        if self._hub.people:
            self._count += 1
            overlap = FAR_OVERLAP_S if self._count % FAR_EVERY == 0 else OVERLAP_S
            recent = await self._source.recent(now - self._looked_at + overlap, self._hub.businesses())
            self._obey(recent.notices)
            await self._deliver(recent)
        self._looked_at = now

    def _obey(self, notices: Iterable[Notice]) -> None:
        now = asyncio.get_running_loop().time() + COMMIT_S
        for notice in notices:
            if notice.id not in self._obeyed:
                self._obeyed.append(notice.id)
                self._hub.obey(
                    notice.user, notice.change, notice.business, notice.session, until=now - notice.age
                )

    async def _deliver(self, recent: Recent) -> None:
        moved = {one.conversation: one for one in recent.moved}
        for joined in recent.joined:
            self._hub.arrive(joined.user, joined.conversation, joined.version)
            moved.setdefault(joined.conversation, Moved(joined.conversation, joined.version))
        late = [late for one in moved.values() if (late := self._late(one)) and late.still]
        if late:
            await asyncio.sleep(GRACE_S)
            late = [one for one in late if one.still]
        for start in range(0, len(late), AT_ONCE):
            await self._read(late[start : start + AT_ONCE])

    def _late(self, moved: Moved) -> _Late | None:
        lane = self._hub.known(moved.conversation)
        if lane is None and moved.floor is not None:  # a case of agents here, of which nobody here heard yet
            lane = self._hub.lane(moved.conversation, begin=moved.floor - 1)
        if lane is None:
            return None
        lane.business, lane.without = moved.business, moved.without
        if moved.floor is not None and lane.skipped(moved.floor):
            self._hub.have_agents_read(lane)
        return _Late(lane, moved)

    async def _read(self, late: Sequence[_Late]) -> None:
        there = {one.lane.conversation: one.lane.position or 0 for one in late if not one.moved.gone}
        found = await self._source.changes(there, MAX_CHANGES + 1) if there else {}
        for lane, moved in late:
            changes = found.get(lane.conversation, ())
            if moved.gone:
                lane.fill(Missed(None, None))
            elif len(changes) > MAX_CHANGES:
                lane.expect(
                    moved.version
                )  # it is read by itself, and told to be read anew where that is too much
            else:
                lane.fill(Missed(moved.version, changes))
