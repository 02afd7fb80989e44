"""The hub in this process, without a server, Redis or PostgreSQL: who is told what."""

import asyncio
from uuid import uuid4

from messaging.hub import Hub, Missed, Socket
from tests.realtime.test_lane import ROOM, envelope
from tests.realtime.test_socket import Peer


async def nothing(conversation: str, after: int) -> Missed:
    raise AssertionError("nothing was missed here")


class Ear:
    """A socket, and what it was sent when its writer had its turn."""

    def __init__(self, hub: Hub) -> None:
        self.peer = Peer()
        self.socket = Socket(user=uuid4(), send=self.peer.send, now=0)
        assert hub.connect(self.socket)

    async def heard(self) -> list[str]:
        """Everything so far."""
        writer = asyncio.create_task(self.socket.write())
        for _ in range(5):
            await asyncio.sleep(0)
        writer.cancel()
        return self.peer.lines


async def entered(hub: Hub, ear: Ear, head: int) -> bool:
    """Subscribes and begins; whether heads had to be read again."""
    again = await hub.enter(ear.socket, {ROOM: head}, [])
    hub.begin(ear.socket, {ROOM: head})
    ear.socket.open_gate()
    return again


async def test_heads_are_read_again_where_something_passed_since() -> None:
    hub = Hub(nothing)
    assert await entered(hub, Ear(hub), 5)
    assert not await entered(hub, Ear(hub), 5)
    hub.hear(envelope(6))
    assert await entered(hub, Ear(hub), 5)
    assert not await entered(hub, Ear(hub), 6)


async def test_who_was_removed_between_two_readings_hears_nothing() -> None:
    hub = Hub(nothing)
    witness, ear = Ear(hub), Ear(hub)
    await entered(hub, witness, 5)
    await hub.enter(ear.socket, {ROOM: 5}, [])
    hub.begin(ear.socket, {})
    ear.socket.open_gate()
    hub.hear(envelope(6))
    assert await ear.heard() == []
    assert await witness.heard() == ["frame 6"]


async def test_who_joined_between_two_readings_stays() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, Ear(hub), 5)
    hub.hear(envelope(6, joined=[ear.socket.user]))
    hub.begin(ear.socket, {})
    ear.socket.open_gate()
    hub.hear(envelope(7))
    assert await ear.heard() == ["frame 6", "frame 7"]


async def test_a_passing_event_through_two_groups_is_heard_once() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await hub.enter(ear.socket, {ROOM: 5}, ["acme"])
    hub.begin(ear.socket, {ROOM: 5})
    ear.socket.open_gate()
    for serial in (1, 1, 2, 2, 1):
        passing = envelope(1, business="acme", serial=serial) | {"version": None, "prev": None}
        hub.hear(passing)
    assert await ear.heard() == ["frame 1", "frame 1"]


async def test_who_left_hears_that_and_no_more() -> None:
    hub = Hub(nothing)
    stays, leaves = Ear(hub), Ear(hub)
    for ear in (stays, leaves):
        await entered(hub, ear, 5)
    hub.hear(envelope(6, left=[leaves.socket.user]))
    hub.hear(envelope(7))
    assert await leaves.heard() == ["frame 6"]
    assert await stays.heard() == ["frame 6", "frame 7"]


async def test_who_is_gone_is_forgotten() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await hub.enter(ear.socket, {ROOM: 5}, ["acme"])
    hub.begin(ear.socket, {ROOM: 5})
    ear.socket.open_gate()
    hub.hear(envelope(6, business="acme"))
    hub.disconnect(ear.socket)
    hub.hear(envelope(7, business="acme"))
    assert list(hub.people.all()) == []
    assert await ear.heard() == ["frame 6"]
