"""A thread that watches whether a statement should end, and one that watches whether the first one still sees."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import psycopg
from django.db import connections

from dbperf.catalog import upkeep
from dbperf.connections import Database, Row

logger = logging.getLogger(__name__)

LOOK_S = 0.5
BLIND_S = 10.0  # so long the work may go on where nothing can be seen

Ask = Callable[[], str]  # why to stop; empty to go on
Tell = Callable[[Row | None], None]  # how far PostgreSQL is


class Unwatched(Exception):
    """There is no way to watch: nothing was begun."""


@dataclass
class Watch:
    """Looks twice a second whether the statement should end: a stop was asked for, somebody waits for the table, or
    nothing can be seen any more. A connection that is lost is made anew; nothing is done that is not watched."""

    database: Database
    ask: Ask
    tell: Tell
    reason: str = ""
    _seen: float = 0.0
    _pid: int = 0
    _wire: Any = None  # the connection that is watched, not the one that watches
    _seeing: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def on(self) -> Iterator["Watch"]:
        """As long as the block runs. Raises Unwatched before it begins."""
        self._pid, self._wire = upkeep.own_pid(self.database), self.database.connection.connection
        self._seen = monotonic()
        threads = [threading.Thread(target=each, daemon=True) for each in (self._look, self._guard)]
        for thread in threads:
            thread.start()
        try:
            if not self._seeing.wait(BLIND_S):
                raise Unwatched
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            try:
                self._once(Database(self.database.alias))  # a connection of this thread's own
                self._seen = monotonic()
                self._seeing.set()
            except Exception:  # whatever it is, the next look may see again
                logger.warning("maintenance could not be watched for a moment", exc_info=True)
                connections.close_all()  # of this thread; the next look connects anew
            self._over.wait(LOOK_S)
        connections.close_all()

    def _guard(self) -> None:
        """A look may also hang, without an error."""
        while not self._over.wait(LOOK_S):
            if monotonic() - self._seen > BLIND_S:
                self._give_up()

    def _once(self, database: Database) -> None:
        self.tell(upkeep.progress(database, self._pid))
        waiting = upkeep.waiters(database, self._pid)
        self.reason = self.reason or self.ask() or (f"session {waiting[0]} waited for it" if waiting else "")
        if self.reason:
            upkeep.cancel(database, self._pid)

    def _give_up(self) -> None:
        """Ends the statement without a connection to ask by; where nobody takes that either, by hanging up. PostgreSQL
        notices within `client_connection_check_interval`."""
        self.reason = self.reason or "nobody could watch it any more"
        try:
            self._wire.cancel_safe(timeout=BLIND_S)
        except Exception:  # an error here would end the last that can end it
            with (
                suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(self._wire.pgconn.socket)) as wire,
            ):
                wire.shutdown(socket.SHUT_RDWR)
