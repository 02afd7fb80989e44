"""This process's one seat in the channel layer: which groups it hears, kept so in the background.

The layer may be away for as long as it likes. Nobody waits for it; what was to be joined is joined when it is back.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer

from conversations.complaints import Complaints

log = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 2.0
SETTLE_TIMEOUT_S = 1.0
RETRY_S = 1.0


class Relay:
    """Joins and leaves groups in the order asked for; hands each message of theirs to `hear`."""

    def __init__(self, hear: Callable[[Any], None]) -> None:
        self._hear = hear
        self._channel: str | None = None
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._todo: dict[str | asyncio.Future[None], None] = {}
        self._work = asyncio.Event()
        self._away = False
        self._complaints = Complaints(log)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to work on the running event loop."""
        self._tasks.append(asyncio.create_task(self._keep_up(), name="relay"))

    def want(self, group: str) -> None:
        """From now on this group is heard."""
        self._wanted.add(group)
        if group not in self._joined:
            self._add(group)

    def unwant(self, group: str) -> None:
        """This group is not needed any more."""
        self._wanted.discard(group)
        if group in self._joined:
            self._add(group)

    def hears(self, group: str) -> bool:
        """Whether this group is heard already."""
        return group in self._joined

    async def settle(self) -> None:
        """Returns once everything wanted so far was joined, or the layer is away, or after a second."""
        if self._away or not self._todo:
            return
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._add(mark)
        await asyncio.wait([mark], timeout=SETTLE_TIMEOUT_S)

    def _add(self, item: "str | asyncio.Future[None]") -> None:
        self._todo[item] = None
        self._work.set()

    async def _keep_up(self) -> None:
        while True:
            await self._work.wait()
            try:
                async with asyncio.timeout(JOIN_TIMEOUT_S):
                    await self._step()
                self._away = False
            except Exception as error:  # whatever the layer raises: it is tried again
                self._give_way(error)
                await asyncio.sleep(RETRY_S)

    async def _step(self) -> None:
        """The next thing to do; it stays in the list until it is done."""
        if not self._todo:
            self._work.clear()
            return
        item = next(iter(self._todo))
        if isinstance(item, str):
            await self._set(item)
        elif not item.done():
            item.set_result(None)
        self._todo.pop(item, None)

    async def _set(self, group: str) -> None:
        """Until it is as wanted: that may change while the layer is asked."""
        layer = get_channel_layer()
        channel = await self._open()
        while (group in self._wanted) != (group in self._joined):
            if group in self._wanted:
                await layer.group_add(group, channel)
                self._joined.add(group)
            else:
                self._joined.discard(group)
                await layer.group_discard(group, channel)

    async def _open(self) -> str:
        if self._channel is None:
            channel: str = await get_channel_layer().new_channel("hub")
            self._channel = channel
            self._tasks.append(asyncio.create_task(self._listen(channel), name="relay-listen"))
        return self._channel

    async def _listen(self, channel: str) -> None:
        layer = get_channel_layer()
        while True:
            try:
                self._hear(await layer.receive(channel))
            except Exception:  # one message that cannot be read must not end the hearing
                log.exception("A message from the channel layer could not be delivered")
                await asyncio.sleep(RETRY_S)

    def _give_way(self, error: Exception) -> None:
        """Nobody is kept waiting for a layer that is away."""
        self._away = True
        for mark in [item for item in self._todo if not isinstance(item, str)]:
            del self._todo[mark]
            if not mark.done():
                mark.set_result(None)
        self._complaints.say(
            "The channel layer is away (%s); groups are joined when it is back", type(error).__name__
        )
