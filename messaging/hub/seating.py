"""Who listens in this process, and to what: sockets in the lanes of their conversations, agents at their businesses."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from conversations import events
from conversations.events import Envelope
from messaging.hub.lane import Lane
from messaging.hub.people import People
from messaging.hub.relay import Relay
from messaging.hub.socket import Socket

LINGER_S = 300.0  # an unused lane keeps its place this long: people reconnect


class Seating:
    """Keeps the relay hearing what those who are here need, and nothing else.

    `deliver` and `late` are what each lane calls.
    """

    def __init__(
        self,
        people: People,
        relay: Relay,
        *,
        deliver: Callable[[Lane, Envelope], None],
        late: Callable[[Lane], None],
    ) -> None:
        self.people = people
        self._relay = relay
        self._deliver = deliver
        self._late = late
        self._lanes: dict[str, Lane] = {}
        self._agents: dict[str, set[Socket]] = {}
        self._loop = asyncio.get_running_loop()

    # --- coming and going

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
            lane = self.lane(conversation)
            again |= lane.position is None or lane.position > head
            if not lane.left_since(socket.user, head):
                self.seat(socket, lane)
        self._answer_for(socket, businesses)
        await self._relay.settle()
        return again

    def begin(self, socket: Socket, heads: Mapping[str, int], businesses: Iterable[str]) -> dict[str, int]:
        """Fixes where a socket's streams begin, given what PostgreSQL says; returns the heads that `hello` tells."""
        lanes = [(self.lane(name), head) for name, head in heads.items()]
        starts = {lane.conversation: lane.start(head) for lane, head in lanes}
        lanes = [(lane, head) for lane, head in lanes if not lane.left_since(socket.user, head)]
        begins = {lane.conversation: starts[lane.conversation] for lane, _ in lanes}
        gone = (socket.conversations | heads.keys()) - begins.keys() - socket.joined_early
        for conversation in gone:
            self.unseat(socket, conversation)
        self._answer_for(socket, businesses)
        ahead = [lane.conversation for lane, _ in lanes if not lane.reached(begins[lane.conversation])]
        socket.begin(begins, ahead, {name for name in gone if not self._answers(socket, name)})
        for lane, _ in lanes:
            self.seat(socket, lane)
        return begins

    def _answers(self, socket: Socket, conversation: str) -> bool:
        """Whether it is a case of a business that this socket answers for."""
        lane = self._lanes.get(conversation)
        return lane is not None and lane.business in socket.businesses

    def release(self, socket: Socket, conversation: str, floor: int) -> None:
        """Ends `socket.hold` after a replay up to version `floor`."""
        lane = self._lanes.get(conversation)
        # Of a conversation that nobody hears here nothing comes but cases, to those who answer for a business.
        settled = not socket.businesses if lane is None else lane.reached(floor)
        socket.release(conversation, floor, settled=settled)

    def disconnect(self, socket: Socket) -> None:
        """Forgets a socket."""
        for conversation in list(socket.conversations):
            self.unseat(socket, conversation)
        for business in list(socket.businesses):
            self.dismiss(socket, business)
        self.people.remove(socket)

    # --- lanes and their seats

    def known(self, conversation: str) -> Lane | None:
        """The lane of what somebody here hears, or did lately."""
        return self._lanes.get(conversation)

    def lane(self, conversation: str, *, begin: int | None = None) -> Lane:
        """The lane of a conversation. `begin`: where it is new, the version after which those here heard nothing."""
        lane = self._lanes.get(conversation)
        if lane is None:
            lane = Lane(conversation, deliver=self._deliver, late=self._late, now=self._loop.time())
            lane.position = begin
            self._lanes[conversation] = lane
            self._relay.want(events.conversation_group(conversation))
        return lane

    def seat(self, socket: Socket, lane: Lane) -> None:
        """From now on the socket hears what the lane delivers."""
        lane.members.add(socket)
        socket.conversations.add(lane.conversation)

    def unseat(self, socket: Socket, conversation: str) -> None:
        """And now it does not any more."""
        socket.conversations.discard(conversation)
        if lane := self._lanes.get(conversation):
            lane.members.discard(socket)
            lane.used_at = self._loop.time()

    def drop_unused(self, now: float) -> None:
        """Lanes without anybody, for some time."""
        unused = [
            lane
            for lane in self._lanes.values()
            if not lane.members and not lane.waiting and now - lane.used_at > LINGER_S
        ]
        for lane in unused:
            del self._lanes[lane.conversation]
            self._relay.unwant(events.conversation_group(lane.conversation))

    # --- businesses and their agents

    def businesses(self) -> list[str]:
        """Those with agents here."""
        return list(self._agents)

    def has_agents(self, business: str | None) -> bool:
        """Whether any of a business is here."""
        return business in self._agents

    def appoint(self, socket: Socket, business: str) -> None:
        """From now on the socket hears every case of the business."""
        socket.businesses.add(business)
        self._agents.setdefault(business, set()).add(socket)
        self._relay.want(events.business_group(business))

    def dismiss(self, socket: Socket, business: str) -> None:
        """And now it does not any more."""
        socket.businesses.discard(business)
        agents = self._agents.get(business, set())
        agents.discard(socket)
        if not agents:
            self._agents.pop(business, None)
            self._relay.unwant(events.business_group(business))

    def _answer_for(self, socket: Socket, businesses: Iterable[str]) -> None:
        """What was read, corrected by what was told meanwhile: the reading may be the older of the two."""
        told = socket.agencies
        now = {one for one in businesses if told.get(one, True)} | {one for one, on in told.items() if on}
        for business in socket.businesses - now:
            self.dismiss(socket, business)
        for business in now - socket.businesses:
            self.appoint(socket, business)

    # --- audiences

    def listeners(self, lane: Lane, business: str | None) -> set[Socket]:
        """Who hears what a lane delivers."""
        audience = self.audience(lane, business)
        return {one for one in audience if one.user not in lane.without} if lane.without else audience

    def audience(self, lane: Lane | None, business: str | None) -> set[Socket]:
        """Members, and agents of the business. Not to be changed: it may be the lane's own set."""
        members: set[Socket] = lane.members if lane else set()
        agents = self._agents.get(business or "")
        return members | agents if agents else members
