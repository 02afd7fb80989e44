"""The hub in this process, without a server, Redis or PostgreSQL: who is told what."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

import orjson
import pytest
from django.conf import settings

from conversations.events import Batch, PersonChange, PersonNotice
from messaging.hub import Hub, Missed, Socket
from messaging.hub.hub import CLOSED_SILENT, SILENCE_S
from messaging.hub.mending import GAP_WAIT_S
from messaging.hub.people import BURST
from messaging.hub.sweep import FAR_EVERY, FAR_OVERLAP_S, OVERLAP_S, Sweep
from messaging.records import Change, Moved, Recent
from tests.realtime.test_lane import ROOM, envelope
from tests.realtime.test_socket import Peer


async def nothing(conversation: str, after: int) -> Missed:
    raise AssertionError("nothing was missed here")


class Ear:
    """A socket, and what it was sent when its writer had its turn."""

    def __init__(self, hub: Hub, *, reached: bool = True) -> None:
        self.peer = Peer()
        self.socket = Socket(user=uuid4(), send=self.peer.send, now=0)
        assert hub.connect(self.socket)
        assert self.socket.unheard  # nobody joins groups here
        self.socket.unheard = not reached

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
    hub.begin(ear.socket, {ROOM: head}, [])
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
    hub.begin(ear.socket, {}, [])
    ear.socket.open_gate()
    hub.hear(envelope(6))
    assert await ear.heard() == []
    assert await witness.heard() == ["frame 6"]


async def test_who_joined_between_two_readings_stays() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, Ear(hub), 5)
    hub.hear(envelope(6, joined=[ear.socket.user]))
    hub.begin(ear.socket, {}, [])
    ear.socket.open_gate()
    hub.hear(envelope(7))
    assert await ear.heard() == ["frame 6", "frame 7"]


@pytest.mark.parametrize("gated", [False, True])
async def test_who_joined_before_another_came_reads_what_passed(gated: bool) -> None:
    """The other one read the conversation at version 2: what joins the first comes after that."""
    hub = Hub(nothing)
    there, away = Ear(hub), Ear(hub)
    if not gated:
        hub.begin(there.socket, {}, [])
        there.socket.open_gate()
    await entered(hub, Ear(hub), 2)
    first = envelope(1, joined=[there.socket.user, away.socket.user], left=[])
    hub.hear(first)
    hub.hear(first)
    if gated:
        hub.begin(there.socket, {}, [])
        there.socket.open_gate()
    hub.hear(envelope(3))
    reset, *rest = await there.heard()
    assert orjson.loads(reset) == {"event": "reset", "conversation": ROOM}
    assert rest == ["frame 3"]


async def test_who_knew_of_it_is_not_told_to_read_again() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await hub.enter(ear.socket, {ROOM: 2}, [])
    hub.hear(envelope(1, joined=[ear.socket.user]))
    hub.begin(ear.socket, {ROOM: 2}, [])
    ear.socket.open_gate()
    hub.hear(envelope(2, joined=[ear.socket.user]))
    late = Ear(hub)
    hub.hear(envelope(2, joined=[late.socket.user]))  # while its heads are being read
    await entered(hub, late, 2)
    hub.hear(envelope(3))
    assert await ear.heard() == await late.heard() == ["frame 3"]


async def test_who_arrives_first_is_told_what_comes_and_nothing_else() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await hub.enter(ear.socket, {}, [])
    hub.begin(ear.socket, {}, [])
    ear.socket.open_gate()
    hub.arrive(ear.socket.user, ROOM, 6)
    hub.hear(envelope(6, joined=[ear.socket.user]))
    assert await ear.heard() == ["frame 6"]


async def test_who_left_before_another_came_is_not_let_in_again() -> None:
    hub = Hub(nothing)
    gone, stays = Ear(hub), Ear(hub)
    for ear in (gone, stays):
        await entered(hub, ear, 1)
    hub.hear(envelope(2, left=[gone.socket.user]))
    hub.hear(envelope(1, joined=[gone.socket.user]))
    hub.hear(envelope(3))
    assert await gone.heard() == ["frame 2"]


async def test_a_passing_event_through_two_groups_is_heard_once() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await hub.enter(ear.socket, {ROOM: 5}, ["acme"])
    hub.begin(ear.socket, {ROOM: 5}, ["acme"])
    ear.socket.open_gate()
    for serial in (1, 1, 2, 2, 1):
        passing = envelope(1, business="acme", serial=serial) | {"version": None, "prev": None}
        hub.hear(passing)
    assert await ear.heard() == ["frame 1", "frame 1"]


async def test_a_case_that_is_read_back_is_heard_by_its_agents_too() -> None:
    async def read(conversation: str, after: int) -> Missed:
        return Missed(11, [Change("message.created", 11, "{}")], business="acme")

    hub = Hub(read)
    customer, agent, device = Ear(hub), Ear(hub), Ear(hub)
    await entered(hub, customer, 10)
    await hub.enter(agent.socket, {}, ["acme"])
    hub.begin(agent.socket, {}, ["acme"])
    agent.socket.open_gate()
    await entered(hub, device, 11)  # which tells that 11 was missed
    await asyncio.sleep(GAP_WAIT_S * 2)
    assert len(await customer.heard()) == len(await agent.heard()) == 1


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
    hub.begin(ear.socket, {ROOM: 5}, ["acme"])
    ear.socket.open_gate()
    hub.hear(envelope(6, business="acme"))
    hub.disconnect(ear.socket)
    hub.hear(envelope(7, business="acme"))
    assert list(hub.people.all()) == []
    assert await ear.heard() == ["frame 6"]


async def test_a_batch_is_heard_in_its_order_and_what_follows_after_it() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, ear, 5)
    for first in (6, 26):
        hub.hear_layer(batch(*range(first, first + 20)))
    hub.hear(envelope(46))
    assert await ear.heard() == [f"frame {version}" for version in range(6, 47)]


async def test_batches_leave_sockets_time_to_write() -> None:
    """Ten thousand events come at once, ten times what a socket may keep waiting."""
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, ear, 5)
    writer = asyncio.create_task(ear.socket.write())
    for first in range(6, 10_006, 20):
        hub.hear_layer(batch(*range(first, first + 20)))
    async with asyncio.timeout(20):
        while len(ear.peer.lines) < 10_000 and ear.socket.close_code is None:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.01)
    writer.cancel()
    assert ear.socket.close_code is None
    assert ear.peer.lines == [f"frame {version}" for version in range(6, 10_006)]


def batch(*versions: int) -> Batch:
    """What another process tells of many at once."""
    return Batch(type="hub.batch", origin="elsewhere", envelopes=[envelope(version) for version in versions])


def notice(
    ear: Ear, change: PersonChange, business: str | None = "acme", session: str | None = None
) -> PersonNotice:
    """What another process tells about somebody."""
    return PersonNotice(
        type="hub.person",
        origin="elsewhere",
        user=ear.socket.user,
        change=change,
        business=business,
        session=session,
    )


async def agent_of(hub: Hub, *businesses: str) -> Ear:
    """Somebody past `hello` who answers for these."""
    ear = Ear(hub)
    await hub.enter(ear.socket, {}, businesses)
    hub.begin(ear.socket, {}, businesses)
    ear.socket.open_gate()
    return ear


async def test_a_dismissed_agent_falls_silent_at_once() -> None:
    hub = Hub(nothing)
    goes, stays = await agent_of(hub, "acme", "rival"), await agent_of(hub, "acme")
    hub.hear(envelope(1, business="acme"))
    hub.hear_layer(notice(goes, "agency_left"))
    hub.hear(envelope(2, business="acme"))
    assert await goes.heard() == ["frame 1"]
    assert await stays.heard() == ["frame 1", "frame 2"]
    assert goes.socket.businesses == {"rival"}


async def test_a_new_agent_hears_cases_at_once() -> None:
    hub = Hub(nothing)
    ear = await agent_of(hub)
    hub.hear(envelope(1, business="acme"))
    hub.hear_layer(notice(ear, "agency_joined"))
    hub.hear(envelope(1, business="acme"))
    assert await ear.heard() == ["frame 1"]


@pytest.mark.parametrize("change", ["agency_left", "agency_joined"])
@pytest.mark.parametrize("early", [True, False])
async def test_what_is_told_before_hello_counts_more_than_what_was_read(
    change: PersonChange, early: bool
) -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    read = ["acme"] if change == "agency_left" else []
    if early:
        hub.hear_layer(notice(ear, change))
    await hub.enter(ear.socket, {}, read)
    if not early:
        hub.hear_layer(notice(ear, change))
    hub.begin(ear.socket, {}, read)
    ear.socket.open_gate()
    hub.hear(envelope(1, business="acme"))
    assert await ear.heard() == (["frame 1"] if change == "agency_joined" else [])


async def test_a_second_reading_ends_what_the_first_began() -> None:
    hub = Hub(nothing)
    ear = Ear(hub, reached=False)
    assert await hub.enter(ear.socket, {}, ["acme"])
    hub.begin(ear.socket, {}, [])
    ear.socket.open_gate()
    hub.hear(envelope(1, business="acme"))
    assert await ear.heard() == []


async def test_who_was_signed_out_hears_nothing_more_and_is_closed() -> None:
    hub = Hub(nothing)
    ear, other = Ear(hub), Ear(hub)
    for one in (ear, other):
        await entered(hub, one, 5)
    hub.hear_layer(notice(ear, "signed_out", None))
    hub.hear(envelope(6))
    assert ear.socket.close_code == 4401
    assert await ear.heard() == []
    assert await other.heard() == ["frame 6"]


async def test_who_was_removed_in_a_gap_too_wide_to_tell_hears_no_more() -> None:
    async def far(conversation: str, after: int) -> Missed:
        return Missed(900, None, {gone.socket.user: False, new.socket.user: True})

    hub = Hub(far)
    stays, gone, new = Ear(hub), Ear(hub), Ear(hub)
    for ear in (stays, gone):
        await entered(hub, ear, 5)
    new.socket.open_gate()
    hub.hear(envelope(901))
    await asyncio.wait(set(hub._tasks), timeout=5)
    reset = f'{{"event":"reset","conversation":"{ROOM}"}}'
    assert await gone.heard() == [reset]
    assert await stays.heard() == await new.heard() == [reset, "frame 901"]


async def test_a_mending_that_breaks_leaves_the_lane_to_the_sweep() -> None:
    async def garbled(conversation: str, after: int) -> Missed:
        return Missed(7, [Change("participant.joined", 7, "no JSON")])

    hub = Hub(garbled)
    await entered(hub, Ear(hub), 5)
    hub.hear(envelope(7))
    lane = hub.known(ROOM)
    assert lane is not None
    assert lane.waiting
    (broken,) = await asyncio.gather(*hub._tasks, return_exceptions=True)
    assert isinstance(broken, orjson.JSONDecodeError)
    assert not lane.waiting


async def test_conversations_that_nobody_hears_leave_nothing_behind() -> None:
    hub = Hub(nothing)
    ear = Ear(hub)
    await entered(hub, ear, 5)
    for number in range(10):
        ear.socket.hold(str(number))
        hub.release(ear.socket, str(number), 7)
    assert not ear.socket._floors


async def test_who_says_nothing_for_too_long_is_taken_for_dead() -> None:
    hub = Hub(nothing)
    silent, late = Ear(hub), Ear(hub)
    silent.socket.heard_at, late.socket.heard_at = 0.0, 1.0
    hub._end_overdue(SILENCE_S + 0.5)
    assert silent.socket.close_code == CLOSED_SILENT
    assert late.socket.close_code is None


class Diary:
    """A PostgreSQL where this happened and no more. `asked`: how far back one looked, None while it was away."""

    def __init__(self, *moved: Moved) -> None:
        self.asked: list[float | None] = []
        self.away = False
        self.moved = moved

    async def recent(self, back: float, businesses: Sequence[str]) -> Recent:
        self.asked.append(None if self.away else back)
        if self.away:
            raise ConnectionError
        return Recent(self.moved, [], [])

    async def changes(self, cursors: Mapping[str, int], limit: int) -> Mapping[str, Sequence[Change]]:
        raise AssertionError("nothing happened")


async def test_the_sweep_leaves_no_time_out_and_looks_further_back_now_and_then() -> None:
    diary = Diary()
    hub = Hub(nothing, diary)
    ear = Ear(hub)
    sweep = Sweep(hub, diary)
    await sweep.look(0)
    diary.away = True
    with pytest.raises(ConnectionError):
        await sweep.look(1)
    diary.away = False
    for second in range(2, FAR_EVERY):
        await sweep.look(second)
    assert diary.asked == [
        OVERLAP_S,
        None,
        2 + OVERLAP_S,
        *[1 + OVERLAP_S] * (FAR_EVERY - 4),
        1 + FAR_OVERLAP_S,
    ]
    hub.disconnect(ear.socket)
    await sweep.look(100)  # for nobody
    assert len(diary.asked) == FAR_EVERY


@pytest.mark.parametrize(("floor", "lost"), [(6, True), (7, False)])
async def test_agents_read_a_case_anew_whose_last_but_one_event_was_lost(floor: int, lost: bool) -> None:
    """Nobody here heard of the case before, so that the gap cannot be seen: only the sweep knows when 6 was said."""
    diary = Diary(Moved(ROOM, 7, business="acme", floor=floor))
    hub = Hub(nothing, diary)
    agent, witness = Ear(hub), Ear(hub)
    for socket, businesses in ((agent.socket, ["acme"]), (witness.socket, ["rival"])):
        await hub.enter(socket, {}, businesses)
        hub.begin(socket, {}, businesses)
        socket.open_gate()
    hub.hear(envelope(7, business="acme"))
    await asyncio.wait(set(hub._tasks), timeout=5)
    sweep = Sweep(hub, diary)
    for now in (0, 1):
        await sweep.look(now)
    reset = [f'{{"event":"reset","conversation":"{ROOM}"}}'] if lost else []
    assert await agent.heard() == ["frame 7", *reset]
    assert await witness.heard() == []


async def test_coming_back_allows_nobody_to_write_more() -> None:
    hub = Hub(nothing)
    user, now = uuid4(), 100.0
    allowed = 0
    for _ in range(3):
        socket = Socket(user=user, send=Peer().send, now=now)
        assert hub.people.add(socket)
        while hub.people.may_send(str(user), now):
            allowed += 1
        hub.people.remove(socket)
        hub.people.tidy(now)
    assert allowed == BURST * settings.RATE_LIMIT_FACTOR
    hub.people.tidy(now + BURST)
    assert hub.people._left == {}
