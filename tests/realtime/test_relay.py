"""The seat in the channel layer: as wanted in the end, however often that changes while the layer is slow."""

import asyncio
from typing import Any

import pytest

from messaging.hub import relay as relays
from messaging.hub.relay import Relay


class SlowLayer:
    """A channel layer in whose place the test decides when a group is left and joined."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def new_channel(self, prefix: str) -> str:
        return f"{prefix}!1"

    async def receive(self, channel: str) -> Any:
        await asyncio.Event().wait()

    async def group_add(self, group: str, channel: str) -> None:
        await self._wait()
        self.members.add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._wait()
        self.members.discard(group)

    async def _wait(self) -> None:
        self.asked.set()
        await self.go.wait()


@pytest.fixture
async def layer(monkeypatch: pytest.MonkeyPatch) -> SlowLayer:
    """In the place of the real one, which cannot be made to be slow at a given moment."""
    slow = SlowLayer()
    monkeypatch.setattr(relays, "get_channel_layer", lambda: slow)
    return slow


async def test_wanted_again_while_it_is_being_left(layer: SlowLayer) -> None:
    relay = Relay(lambda message: None)
    relay.start()
    layer.go.set()
    relay.want("acme")
    await relay.settle()
    layer.go.clear()
    layer.asked.clear()
    relay.unwant("acme")
    await layer.asked.wait()
    relay.want("acme")
    layer.go.set()
    await relay.settle()
    assert (layer.members, relay.hears("acme")) == ({"acme"}, True)


async def test_not_wanted_any_more_while_it_is_being_joined(layer: SlowLayer) -> None:
    relay = Relay(lambda message: None)
    relay.start()
    relay.want("acme")
    await layer.asked.wait()
    relay.unwant("acme")
    layer.go.set()
    await relay.settle()
    assert (layer.members, relay.hears("acme")) == (set(), False)
