"""A connection pool for a server that may be away.

psycopg's pool lets every request wait its whole timeout (30 s by default) when PostgreSQL is down, and hands
out connections that died while idle. This one fails early in the first case and looks before it hands out in
the second; a pool that is merely busy still waits.
"""

import threading
from time import monotonic
from typing import Any, Self

from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool, PoolTimeout

FRESH_FAILURE_S = 1.0
RECONNECT_S = (
    2.0  # past this an attempt is dropped and the next request starts a new one, without long back-off
)


class ServerAway(OperationalError):
    """The last attempt to connect failed a moment ago and no connection is at hand."""


class PooledConnection(Connection[Any]):
    """Remembers when it came back, so that only a connection that lay idle is looked at again."""

    returned_at: float = 0.0


class ImpatientPool(ConnectionPool[PooledConnection]):
    """`evict_s`: a connection idle for longer is tried before it is handed out (0: never)."""

    def __init__(self, *, kwargs: dict[str, Any], evict_s: float, **options: Any) -> None:
        self._failed_at: float | None = None
        self._state = threading.Lock()
        self._evict_s = evict_s
        super().__init__(
            kwargs=kwargs,
            connection_class=_reporting(self),
            check=self._look_if_idle if evict_s else None,
            reconnect_timeout=RECONNECT_S,
            **options,
        )

    def report(self, *, failed: bool) -> None:
        """Told by each attempt to connect."""
        with self._state:
            self._failed_at = monotonic() if failed else None

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
        if failed_at is None or self.get_stats()["pool_available"]:
            return
        if after_waiting or monotonic() - failed_at < FRESH_FAILURE_S:
            raise ServerAway("the database server cannot be reached")

    def _look_if_idle(self, conn: PooledConnection) -> None:
        if monotonic() - conn.returned_at > self._evict_s:
            self.check_connection(conn)


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
            return conn

    return Reporting
