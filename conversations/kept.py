"""Replies that are dear to make, kept in Redis under the version of what they were made from (decision 0030).

Nothing is ever invalidated. The caller reads the version from PostgreSQL, in the statement that checks their right, and
the version is part of the key: a change that committed has another key, whoever made it, and whether or not Redis was
there to be told. A reply that was made after its version was read is at least as new as its key says.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache

LOOK_EVERY_S = 0.02
WAIT_S = 2.0  # for another who makes the same; then one makes it oneself
QUIET_S = 2.0  # without Redis after it did not answer: a Redis that hangs costs half a second each time
_away = {"until": 0.0}


def kept(key: str, make: Callable[[], str]) -> str:
    """What is kept under a key that names a version, or what `make` returns, kept for the next.

    Of those who ask at once for what is not there, one makes it and the others wait for it. Without Redis, or with
    DB_CACHE_DURATION=0, everybody makes it.
    """
    if not settings.CACHES["default"]["TIMEOUT"] or time.monotonic() < _away["until"]:
        return make()
    found: str | None = cache.get(key)
    return _make_once(key, make) if found is None else found


def _make_once(key: str, make: Callable[[], str]) -> str:
    """Makes what was not there, unless somebody else is at it."""
    mine: Any = cache.add(_making(key), 1, timeout=_longest())
    if mine is None:  # no answer; False is a refusal
        _away["until"] = time.monotonic() + QUIET_S
        return make()
    return _make(key, make) if mine else _theirs(key) or make()


def _make(key: str, make: Callable[[], str]) -> str:
    try:
        if found := cache.get(key):  # made between our look and our turn
            return str(found)
        made = make()
        cache.set(key, made)
        return made
    finally:
        cache.delete(_making(key))


def _theirs(key: str) -> str | None:
    """What the other made; None where it takes them too long, or they failed."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        if found := cache.get(key):
            return str(found)
        if not cache.get(_making(key)):
            found = cache.get(key)
            return str(found) if found else None
    return None


def _making(key: str) -> str:
    return f"{key}:making"


def _longest() -> int:
    """Seconds after which a maker must be dead: their statement would have been ended before."""
    return round(settings.DB_STATEMENT_TIMEOUT or 60) + 5
