"""A crowd of calls, taken a few at a time."""

import asyncio
import logging
from functools import partial

import pytest

from chatbackend.turns import Turns


async def test_a_turn_of_the_event_loop_takes_a_few_in_their_order() -> None:
    turns, done, after = Turns(2), list[int](), list[int]()
    for number in range(5):
        turns.add(partial(done.append, number))
    assert done == []
    for _ in range(3):
        await asyncio.sleep(0)
        after.append(len(done))
    assert (done, after) == ([0, 1, 2, 3, 4], [2, 4, 5])


def fails() -> None:
    raise ValueError


async def test_they_go_on_after_a_rest_and_after_one_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    turns, done = Turns(2), list[str]()
    turns.add(fails)
    turns.add(partial(done.append, "next"))
    with caplog.at_level(logging.ERROR, "chatbackend.turns"):
        await asyncio.sleep(0)
    turns.add(partial(done.append, "later"))
    await asyncio.sleep(0)
    assert (done, len(caplog.records)) == (["next", "later"], 1)
