"""Many who come at once, and a server that ends: a few at a time, and told when to come back."""

import asyncio
import re
import signal
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from uuid import uuid4

import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed

from conversations.models import User
from messaging.consumers import replay
from messaging.hub import Hub, Socket
from messaging.hub.admission import AT_ONCE, INSIDE_FIRST, RETURNS_PER_S, Admission, CrowdedError, advice
from messaging.hub.socket import TURNS_AHEAD
from tests import factories
from tests.realtime.client import Client, token_of
from tests.realtime.conftest import Join
from tests.realtime.test_hub import nothing
from tests.realtime.test_socket import Peer
from tests.server import Server

ADVICE = re.compile(r"retry-after=(\d+\.\d)")


def seconds(reason: str) -> float:
    found = ADVICE.fullmatch(reason)
    assert found, reason
    return float(found[1])


async def test_a_few_begin_at_a_time_in_the_order_they_came() -> None:
    admission, under_way, begun = Admission(at_once=2), 0, list[int]()

    async def begin(number: int) -> None:
        nonlocal under_way
        async with admission.turn():
            begun.append(number)
            under_way += 1
            assert under_way <= 2
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*map(begin, range(20)))
    assert begun == list(range(20))


async def test_too_many_are_sent_away_and_those_inside_may_wait() -> None:
    admission = Admission(at_once=1, max_waiting=1)
    async with admission.turn():
        waiting = asyncio.create_task(_pass(admission))
        await asyncio.sleep(0)
        with pytest.raises(CrowdedError) as crowded:
            async with admission.turn():
                pass
        assert seconds(crowded.value.reason) >= 0.5
        patient = asyncio.create_task(_pass(admission, patient=True))
        await asyncio.sleep(0)
    assert all(await asyncio.gather(waiting, patient))
    assert await _pass(admission)


async def _pass(admission: Admission, *, patient: bool = False) -> bool:
    async with admission.turn(patient=patient):
        return True


async def test_a_turn_comes_back_from_one_who_fails_or_leaves() -> None:
    admission = Admission(at_once=1)
    with suppress(ValueError):
        async with admission.turn():
            raise ValueError
    async with admission.turn():
        gone = asyncio.create_task(_pass(admission))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
    async with asyncio.timeout(1):
        assert await _pass(admission)


async def test_those_inside_go_before_those_outside_but_do_not_shut_them_out() -> None:
    admission, begun = Admission(at_once=1), list[str]()

    async def begin(name: str, *, inside: bool) -> None:
        async with admission.turn(patient=True, inside=inside):
            begun.append(name)

    async with admission.turn():
        outside = [asyncio.create_task(begin("outside", inside=False)) for _ in range(2)]
        inside = [asyncio.create_task(begin("inside", inside=True)) for _ in range(INSIDE_FIRST + 1)]
        await asyncio.sleep(0)
    await asyncio.gather(*outside, *inside)
    assert begun == ["inside"] * INSIDE_FIRST + ["outside", "inside", "outside"]


async def test_who_asks_for_the_past_again_and_again_stands_in_the_line() -> None:
    hub, begun = Hub(nothing), list[str]()
    looper = Socket(user=uuid4(), send=Peer().send, now=0)

    async def begin(name: str, turn: AbstractAsyncContextManager[None]) -> None:
        async with turn:
            begun.append(name)

    async with AsyncExitStack() as others:
        for _ in range(AT_ONCE):
            await others.enter_async_context(hub.admission.turn())
        line = [begin("replay", replay._turn(hub, looper)) for _ in range(TURNS_AHEAD + 2)]
        tasks = [asyncio.create_task(begin("newcomer", hub.admission.turn())) for _ in range(2)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(each) for each in line]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert begun == ["replay"] * TURNS_AHEAD + ["newcomer"] * 2 + ["replay"] * 2


def test_many_are_spread_over_more_time_than_few() -> None:
    few, many = ([seconds(advice(others)) for _ in range(200)] for others in (1, 4_000))
    assert max(few) <= 0.6
    assert 13 < max(many) <= 27.3
    assert max(seconds(advice(10**6)) for _ in range(200)) <= 60.5


@pytest.fixture
def leaving(transactional_db: None) -> Iterator[Server]:
    """A server that takes its time to end."""
    server = Server(database=str(connection.settings_dict["NAME"]), settings={"SOCKET_DRAIN": "5000"})
    server.start()
    yield server
    server.stop()
    server.log.unlink(missing_ok=True)


def test_a_server_that_ends_says_when_to_come_back_and_takes_nobody_new(
    leaving: Server, join: Join, alice: User
) -> None:
    clients = [join(factories.person(), at=leaving) for _ in range(60)]  # more than one step
    assert leaving.process
    leaving.process.send_signal(signal.SIGTERM)
    reasons = list[str]()
    for client in clients:
        with pytest.raises(ConnectionClosed) as closed:
            client.next()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1012
        reasons.append(closed.value.rcvd.reason)
        with pytest.raises(OSError, match=r"refused|reset"):
            Client(leaving.ws_url, token=token_of(alice))
    assert len({seconds(reason) for reason in reasons}) > 1
    assert leaving.process.wait(10) == 0


async def test_each_who_is_sent_away_gets_a_moment_of_its_own() -> None:
    admission = Admission(at_once=1, max_waiting=0)
    moments = []
    for _ in range(300):
        with pytest.raises(CrowdedError) as crowded:
            async with admission.turn():
                pass
        moments.append(seconds(crowded.value.reason))
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx(0.5 + 300 / RETURNS_PER_S, abs=0.2)
