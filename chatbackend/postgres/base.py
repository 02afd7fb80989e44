"""The database backend: Django's own, with our pool."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from chatbackend.postgres.pool import ImpatientPool, PooledConnection


class DatabaseWrapper(base.DatabaseWrapper):
    """As `django.db.backends.postgresql`; `OPTIONS["pool"]` are the options of `ImpatientPool`."""

    _connection_pools: dict[str, ImpatientPool] = {}
    _configure_connection: Callable[[PooledConnection], bool]

    @property
    def pool(self) -> ImpatientPool | None:
        server: dict[str, Any] = self.settings_dict["OPTIONS"]
        options: dict[str, Any] | None = server.get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            pool = ImpatientPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                evict_s=settings.DB_POOL_EVICT,
                look_s=float(server.get("connect_timeout", 0)) or None,
                open=False,
                configure=self._configure_connection,
                **{"patience_s": settings.DB_PATIENCE, **options},
            )
            # Threads that come at once each make one; none is open yet, and the first one stays.
            self._connection_pools.setdefault(self.alias, pool)
        return self._connection_pools[self.alias]
