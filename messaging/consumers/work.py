"""Where a socket's database work runs: as many threads as the pool has connections; none waits for the other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

P = ParamSpec("P")
R = TypeVar("R")

Watch = Callable[[str], AbstractContextManager[object]]
_watch: Watch = nullcontext


def watched_by(watch: Watch) -> None:
    """Has a context entered around each piece of work, given its name."""
    global _watch
    _watch = watch


async def run(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs synchronous work in one of the threads; the connection goes back to the pool at its end."""
    result: R = await database_sync_to_async(_watched, thread_sensitive=False, executor=_threads())(
        work, *args, **kwargs
    )
    return result


def _watched(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    with _watch(getattr(work, "__qualname__", "")):
        return work(*args, **kwargs)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.DB_POOL_MAX, thread_name_prefix="socket")
