"""Watching from inside which code runs which statement."""

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from dbperf import tracing
from dbperf.aliases import DEFAULT, MAINTENANCE
from dbperf.connections import alias_for
from dbperf.history import origins
from dbperf.services import pooling

logger = logging.getLogger(__name__)


def install() -> None:
    """From now on, on every connection that is opened. What it says in `DBPERF`: `CODE`, the folder of the project's
    code; `PLUMBING`, files through which others run their statements; `RELEASE`, what runs."""
    given: dict[str, Any] = getattr(settings, "DBPERF", {})
    root = Path(given.get("CODE") or getattr(settings, "BASE_DIR", "") or Path.cwd())
    tracing.start(_keep, root=root, plumbing=tuple(given.get("PLUMBING", ())))
    connection_created.connect(_watch, dispatch_uid="dbperf.tracing")


def _watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """The outermost wrapper: it sees the statement as the code wrote it."""
    if tracing.trace not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, tracing.trace)


def _keep(sums: tracing.Sums) -> None:
    """In the thread that takes figures away. A database that is away loses them, and nobody waits."""
    try:
        origins.keep(sums, store=DEFAULT, release=str(getattr(settings, "DBPERF", {}).get("RELEASE", "")))
    except Error:
        logger.warning("where statements come from could not be kept; the figures of half a minute are lost")
    finally:
        connections[DEFAULT].close()
    _keep_pool()


def _keep_pool() -> None:
    """Past the pool: when it is full, it would be asked in vain."""
    store = alias_for(MAINTENANCE)
    try:
        pooling.keep(store=store)
    except Error:
        logger.warning("that requests wait for connections could not be kept")
    finally:
        connections[store].close()
