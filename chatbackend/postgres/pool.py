"""A connection pool for a server that may be away, or stand still.

psycopg's pool lets every request wait its whole timeout (30 s by default) when PostgreSQL is down, hands out
connections that died while idle, and lets a statement wait for ever on a server that takes everything and answers
nothing: TCP knows of none of that, since the kernel goes on acknowledging for a process that is stopped. This one
fails early in the first case, looks before it hands out in the second, and gives the connection up in the third; a
pool that is merely busy still waits.
"""

import threading
from time import monotonic
from typing import Any, Self

from psycopg import Connection, OperationalError, errors
from psycopg.abc import RV, PQGen
from psycopg_pool import ConnectionPool, PoolTimeout

FRESH_FAILURE_S = 1.0
POLL_S = 0.1  # as psycopg has it: how often a wait looks at the time
RECONNECT_S = (
    2.0  # past this an attempt is dropped and the next request starts a new one, without long back-off
)


class ServerAway(OperationalError):
    """The last attempt to connect failed a moment ago and no connection is at hand."""


class NoAnswer(OperationalError):
    """The server took a statement and said nothing for as long as may be. Whether it runs, or ran, is not known."""


class PooledConnection(Connection[Any]):
    """Remembers when it came back, so that only a connection that lay idle is looked at again.

    `patience_s`: how long a statement is waited for; None: for ever.
    """

    returned_at: float = 0.0
    patience_s: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = POLL_S, timeout: float | None = None) -> RV:
        """Raises NoAnswer, and gives the connection up: what came later would answer another question."""
        try:
            return super().wait(gen, interval, self.patience_s if timeout is None else timeout)
        except errors._WaitTimeout:
            if timeout is not None:  # of psycopg's own, which knows what to do
                raise
            self.pgconn.finish()
            raise NoAnswer("the database server does not answer") from None


class ImpatientPool(ConnectionPool[PooledConnection]):
    """`evict_s`: a connection idle for longer is tried before it is handed out (0: never), for `look_s` at most.
    `patience_s`: how long a statement is waited for (None: for ever)."""

    def __init__(
        self,
        *,
        kwargs: dict[str, Any],
        evict_s: float,
        look_s: float | None = None,
        patience_s: float | None = None,
        **options: Any,
    ) -> None:
        self._failed_at: float | None = None
        self._silent = False  # the last failure was a server that stood still: idle connections are no hope
        self._state = threading.Lock()
        self._evict_s = evict_s
        self._look_s = look_s
        self.patience_s = patience_s
        super().__init__(
            kwargs=kwargs,
            connection_class=_reporting(self),
            check=self._look_if_idle if evict_s else None,
            reconnect_timeout=RECONNECT_S,
            **options,
        )

    def report(self, *, failed: bool, silent: bool = False) -> None:
        """Told by each attempt to connect, and each look at a connection that lay idle."""
        with self._state:
            self._failed_at = monotonic() if failed else None
            self._silent = failed and (silent or self._silent)

    def getconn(self, timeout: float | None = None) -> PooledConnection:
        """A connection. Raises `ServerAway` when connecting fails and `PoolTimeout` when all stay busy.

        Waits in doubling slices, since a failure reported meanwhile concerns those who already wait; each
        slice costs the place in the queue, doubling keeps that to a handful of times."""
        deadline = monotonic() + (self.timeout if timeout is None else timeout)
        wait = 0.5
        while True:
            self._refuse_if_away()
            try:
                return super().getconn(timeout=min(wait, max(0.001, deadline - monotonic())))
            except PoolTimeout:
                self._refuse_if_away(after_waiting=True)
                if monotonic() >= deadline:
                    raise
            wait *= 2

    def putconn(self, conn: PooledConnection) -> None:
        conn.returned_at = monotonic()
        super().putconn(conn)

    def _refuse_if_away(self, *, after_waiting: bool = False) -> None:
        failed_at = self._failed_at
        if failed_at is None or (not self._silent and self.get_stats()["pool_available"]):
            return
        if after_waiting or monotonic() - failed_at < FRESH_FAILURE_S:
            raise ServerAway("the database server cannot be reached")

    def _look_if_idle(self, conn: PooledConnection) -> None:
        if monotonic() - conn.returned_at <= self._evict_s:
            return
        conn.patience_s = self._look_s
        try:
            self.check_connection(conn)
        except NoAnswer:
            self.report(failed=True, silent=True)
            raise
        conn.patience_s = self.patience_s
        self.report(failed=False)


def _reporting(pool: ImpatientPool) -> type[PooledConnection]:
    class Reporting(PooledConnection):
        @classmethod
        def connect(cls, *args: Any, **kwargs: Any) -> Self:
            try:
                conn = super().connect(*args, **kwargs)
            except OperationalError:
                pool.report(failed=True)
                raise
            pool.report(failed=False)
            conn.returned_at = monotonic()
            conn.patience_s = pool.patience_s
            return conn

    return Reporting
