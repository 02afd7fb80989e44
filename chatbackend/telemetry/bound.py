"""How much is told a minute: what breaks in a loop, or for everybody at once, is one thing to know."""

import time
from collections import Counter
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final

OF_A_KIND: Final = 5
IN_ALL: Final = 50
MINUTE_S: Final = 60.0


class Bound:
    """Of each process: so many of a kind a minute, and so many in all. Kept are the numbers of this minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._since = float("-inf")
        self._told: Counter[Hashable] = Counter()
        self._left_out = 0

    def admits(self, kind: Hashable) -> bool:
        """Whether one more of this kind is told."""
        with self._lock:
            if self._now() - self._since >= MINUTE_S:
                self._since, self._told = self._now(), Counter()
            if self._told[kind] >= OF_A_KIND or self._told.total() >= IN_ALL:
                self._left_out += 1
                return False
            self._told[kind] += 1
            return True

    def left_out(self) -> int:
        """How many were not told since this was asked."""
        with self._lock:
            count, self._left_out = self._left_out, 0
            return count
