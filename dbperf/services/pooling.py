"""This process's connection pool, told of where requests had to wait for it."""

import os
import socket
from typing import Any

from django.db import connections

from dbperf.aliases import DEFAULT
from dbperf.history import pools

COUNTERS = ("requests_num", "requests_queued", "requests_wait_ms", "requests_errors")

_before: dict[str, dict[str, int]] = {}


def stats(alias: str = DEFAULT) -> dict[str, int] | None:
    """What the pool counted since the process began. None where there is none."""
    connection: Any = connections[alias]
    pool = getattr(connection, "pool", None)
    return dict(pool.get_stats()) if pool else None


def keep(*, store: str, alias: str = DEFAULT) -> bool:
    """Tells what happened since the last time; whether there was anything to tell."""
    now = stats(alias)
    if now is None:
        return False
    before = _before.get(alias, {})
    _before[alias] = now
    moved = {name: max(0, now.get(name, 0) - before.get(name, 0)) for name in COUNTERS}
    if not moved["requests_queued"] and not moved["requests_errors"]:
        return False
    process = f"{socket.gethostname()}:{os.getpid()}"
    pools.record(process, {**moved, "pool_max": now.get("pool_max", 0)}, store=store)
    return True
