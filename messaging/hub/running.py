"""The hub of each event loop: one in a server process, made for its first socket."""

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from messaging.hub.attendance import Book
from messaging.hub.hub import Counts, Hub
from messaging.hub.mending import Read
from messaging.hub.sweep import Source

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current(read: Read, source: Source, book: Callable[[], Book]) -> Hub:
    """The hub of the running event loop, made for its first socket."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub(read, source, book())
        hub.start()
    return hub


def counts() -> Counts:
    """Of all hubs of this process; may be asked from any thread."""
    return Counts(
        *map(sum, zip((0, 0, 0, 0, 0), *(hub.counts() for hub in list(_hubs.values())), strict=True))
    )


async def drain(within_s: float) -> None:
    """Ends every socket of the running event loop, in steps, and waits until they were told."""
    if hub := _hubs.get(asyncio.get_running_loop()):
        await hub.end(within_s)
