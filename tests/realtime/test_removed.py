"""Who was removed hears nothing of what comes after, whatever was being read for them meanwhile."""

import time
from collections.abc import Mapping, Sequence

import pytest

from conversations.models import User
from conversations.services import participants
from messaging.hub import Hub
from messaging.hub.sweep import Sweep
from messaging.records import Change, Joined, Moved, Recent
from tests import factories
from tests.realtime.test_hub import Ear, entered, nothing
from tests.realtime.test_lane import ROOM, envelope
from tests.realtime.test_slow_readers import LONG, stalled
from tests.server import Server


async def test_between_the_second_reading_and_hello() -> None:
    hub = Hub(nothing)
    witness, ear = Ear(hub), Ear(hub, reached=False)
    await entered(hub, witness, 5)
    assert await hub.enter(ear.socket, {ROOM: 5}, [])
    hub.hear(envelope(6, left=[ear.socket.user]))
    assert hub.begin(ear.socket, {ROOM: 5}, []) == {}
    ear.socket.open_gate()
    hub.hear(envelope(7))
    assert await ear.heard() == []
    assert await witness.heard() == ["frame 6", "frame 7"]


async def test_what_was_kept_for_them_before_hello_is_thrown_away() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, Ear(hub), 5)
    hub.hear(envelope(6, left=[ear.socket.user]))
    assert await hub.enter(ear.socket, {ROOM: 5}, [])
    hub.hear(envelope(7))
    hub.begin(ear.socket, {}, [])
    ear.socket.open_gate()
    assert await ear.heard() == []


async def test_who_came_back_hears_again() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, Ear(hub), 5)
    hub.hear(envelope(6, left=[ear.socket.user]))
    hub.hear(envelope(7, joined=[ear.socket.user]))
    await entered(hub, ear, 7)
    hub.hear(envelope(8))
    assert await ear.heard() == ["frame 8"]


class Late:
    """A sweep whose answer was read when somebody was there, and comes when they are not any more."""

    def __init__(self, hub: Hub, user: str) -> None:
        self.hub, self.user = hub, user

    async def recent(self, back: float, businesses: Sequence[str]) -> Recent:
        self.hub.hear(envelope(6, joined=[self.user]))
        self.hub.hear(envelope(7, left=[self.user]))
        return Recent([Moved(ROOM, 6)], [Joined(ROOM, self.user, 6)], [])

    async def changes(self, cursors: Mapping[str, int], limit: int) -> Mapping[str, Sequence[Change]]:
        raise AssertionError("nothing is missing")


async def test_while_the_sweep_was_asking() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, Ear(hub), 5)
    hub.begin(ear.socket, {}, [])
    ear.socket.open_gate()
    await Sweep(hub, Late(hub, ear.socket.user)).look(0.0)
    hub.hear(envelope(8))
    assert await ear.heard() == ["frame 6", "frame 7"]


@pytest.mark.slow
def test_while_they_read_slowly_what_they_missed(daphne: Server, alice: User, bob: User) -> None:
    rooms = sorted(factories.group(bob, alice) for _ in range(11))
    for room in rooms[:-1]:
        for _ in range(
            20
        ):  # 1 MB each, as much as is read at once; ten are more than the systems' buffers hold
            factories.say(bob, room, LONG)
    last = rooms[-1]
    factories.say(bob, last, "before")
    slow = stalled(daphne, alice)
    slow.say(op="resume", ref=1, cursors={str(room): 1 for room in rooms})
    time.sleep(2)  # the replay waits for its reader
    participants.remove_participant(actor_id=bob.pk, conversation_id=last, user_id=alice.pk)
    factories.say(bob, last, "not for alice")
    time.sleep(1)
    told = slow.until(lambda frame: frame.get("ref") == 1) + slow.heard_by_now()
    of_last = [frame for frame in told if frame.get("conversation") == str(last)]
    assert "not for alice" not in [frame.get("data", {}).get("content") for frame in of_last]
    assert [frame["version"] for frame in told if frame.get("conversation") == str(rooms[0])] == list(
        range(2, 22)
    )
