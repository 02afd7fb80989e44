"""Work that comes in crowds, done a few at a time so that everything else of the event loop comes in between."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Call = Callable[[], None]


class Turns:
    """Calls made in the order they were given, at most `each` in one turn of the event loop, beginning with the next.

    What a call raises is logged, and the others follow.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._waiting: deque[Call] = deque()

    def add(self, call: Call) -> None:
        """Must be called on the event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._take)
        self._waiting.append(call)

    def _take(self) -> None:
        for _ in range(min(self._each, len(self._waiting))):
            self._make(self._waiting.popleft())
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._take)

    def _make(self, call: Call) -> None:
        try:
            call()
        except Exception:
            log.exception("A call that waited for its turn failed")
