"""Hot reads on a replica, where it has everything that the reader could miss (decision 0032).

The primary says who may read, and how far it is with what they read: a stamp. The replica is asked for its own stamp,
and for the reply only if that is the same. So nobody reads what was true before the last commit, their own or of
others, and nobody who was sent away reads on. What no stamp covers, such as the names of others, is MOST_LAG_S old at
most.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from django.db import Error, connections

from conversations.queries import stamps
from conversations.queries.statement import asked_at

REPLICA: Final = "replica"
PRIMARY: Final = "default"
MOST_LAG_S = 5.0
LOOK_EVERY_S = 1.0
QUIET_S = 5.0  # without it after it failed; then one request tries again
TOOK_TOO_LONG = "57014"  # it would take as long on the primary

logger = logging.getLogger(__name__)
Reply = TypeVar("Reply")


class Standing:
    """What this process knows of the replica."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usable = False
        self._until = 0.0
        self._marks: deque[tuple[float, int]] = deque(maxlen=16)  # when the primary's log was how long

    def usable(self) -> bool:
        """Whether it may be asked. One looks after it, once a second; the others go by what was seen before."""
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._until = time.monotonic() + LOOK_EVERY_S
                self._look()
            finally:
                self._lock.release()
        return self._usable

    def failed(self, error: Error) -> None:
        """Left alone for a while."""
        self._usable = False
        self._until = time.monotonic() + QUIET_S
        logger.warning("The replica does not answer, the primary does instead: %s", type(error).__name__)

    def _look(self) -> None:
        self._marks.append((time.monotonic(), stamps.written(using=PRIMARY)))
        try:
            replayed = stamps.replayed(using=REPLICA)
        except Error as error:
            self.failed(error)
        else:
            self._usable = self._lag(replayed) <= MOST_LAG_S

    def _lag(self, replayed: int | None) -> float:
        """Seconds since the primary was where the replica is."""
        reached = [at for at, written in self._marks if replayed is not None and written <= replayed]
        return time.monotonic() - max(reached, default=float("-inf"))


standing = Standing()


def read(stamp: Callable[[], str | None], ask: Callable[[], Reply]) -> Reply:
    """What `ask` reads: from the replica where it stands as the primary does, else from the primary.

    Where the primary gives no stamp, it answers: the refusal, too, is its own.
    """
    if REPLICA not in connections.settings or not standing.usable():
        return ask()
    known = stamp()
    if known is not None:
        try:
            with _at_the_replica():
                if stamp() == known:
                    return ask()
        except Error as error:
            if getattr(error.__cause__, "sqlstate", None) == TOOK_TOO_LONG:
                raise
            standing.failed(error)
    return ask()


@contextmanager
def _at_the_replica() -> Iterator[None]:
    token = asked_at.set(REPLICA)
    try:
        yield
    finally:
        asked_at.reset(token)
