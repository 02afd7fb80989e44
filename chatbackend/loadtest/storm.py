"""Everybody gone and back: what a restart of a server, or of a network in between, does to those who stay."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

PATIENCE_S = 120.0  # after which one who cannot come back fails
PAUSE_S = 1.0  # before another attempt, beside what the server advises, and with as much chance again


class Traveller(Protocol):
    """A connection that can go and come back to where it was."""

    returning: bool
    advised_s: float

    def leave(self) -> None: ...


async def storm(
    travellers: Sequence[Traveller], within_s: float, connect: Callable[[Any], Awaitable[None]]
) -> dict[str, float]:
    """All leave at once, and each comes back at a moment of its own within `within_s` seconds, resuming.

    Returns when the last one knows what it missed: `{sockets, back_s, retries}`.
    """
    began = time.monotonic()
    for each in travellers:
        each.returning = True
        each.leave()
    retries = await asyncio.gather(*(_come_back(each, within_s, connect) for each in travellers))
    return {"sockets": len(travellers), "back_s": time.monotonic() - began, "retries": sum(retries)}


async def _come_back(traveller: Traveller, within_s: float, connect: Callable[[Any], Awaitable[None]]) -> int:
    """Returns how often it was refused. Raises what the last attempt raised."""
    await asyncio.sleep(random.random() * within_s)
    refused, until = 0, time.monotonic() + PATIENCE_S
    while True:
        try:
            await connect(traveller)
        except Exception:
            if time.monotonic() > until:
                raise
            refused += 1
            await asyncio.sleep(traveller.advised_s + PAUSE_S * (1 + random.random()))
        else:
            return refused
