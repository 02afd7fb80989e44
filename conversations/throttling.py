"""How often somebody may ask, and how the replies tell them.

A fixed window counted in Redis, so that all processes count together. While Redis is away each process counts for
itself: limits get looser then, never harder, and nothing waits for a server that does not answer.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

Key = Callable[[Request], str | None]

QUIET_S = 5.0  # after Redis was found away, count alone for so long before asking it again


@dataclass(frozen=True, slots=True)
class Limit:
    """`quota` requests in `window` seconds for whoever `key` names; a key of None is not counted."""

    name: str
    quota: int
    window: int
    key: Key

    @property
    def scaled(self) -> int:
        """The quota under RATE_LIMIT_FACTOR."""
        return max(1, round(self.quota * float(settings.RATE_LIMIT_FACTOR)))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with one limit."""

    limit: Limit
    used: int
    resets_in: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit.scaled

    @property
    def policy_item(self) -> str:
        return f'"{self.limit.name}";q={self.limit.scaled};w={self.limit.window}'

    @property
    def item(self) -> str:
        return f'"{self.limit.name}";r={max(0, self.limit.scaled - self.used)};t={self.resets_in}'


class WindowThrottle(BaseThrottle):
    """REST framework's hook around one limit. Notes on the view how the caller stands, for the headers."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.standing: Standing | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        key = self.limit.key(request)
        if key is None:
            return True
        self.standing = count(self.limit, key)
        view.standings.append(self.standing)
        return not self.standing.exceeded

    def wait(self) -> float | None:
        return self.standing.resets_in if self.standing else None


def count(limit: Limit, key: str) -> Standing:
    """Counts one request and says how its caller stands."""
    now = time.time()
    window = int(now // limit.window)
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    used = _shared(f"rate:{limit.name}:{window}:{digest}", limit.window)
    return Standing(limit, used, max(1, int((window + 1) * limit.window - now)))


def headers(standings: Iterable[Standing]) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy`, empty where nothing was counted."""
    counted = list(standings)
    if not counted:
        return {}
    return {
        "RateLimit": ", ".join(standing.item for standing in counted),
        "RateLimit-Policy": ", ".join(standing.policy_item for standing in counted),
    }


def by_address(request: Request) -> str:
    """The caller's address as the trusted proxies tell it; of IPv6 the /64, which is what one customer holds."""
    given = BaseThrottle().get_ident(request) or ""
    try:
        address = ip_address(given)
    except ValueError:
        return given
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else given


def by_user(request: Request) -> str | None:
    """The signed-in caller."""
    return str(request.user.pk) if request.user.is_authenticated else None


def by_username(request: Request) -> str | None:
    """The account that somebody tries to sign in to."""
    username = request.data.get("username") if isinstance(request.data, dict) else None
    return username.casefold() if isinstance(username, str) else None


def _shared(key: str, window: int) -> int:
    """The new count, from Redis or, while it is away, from this process."""
    if time.monotonic() < _local.alone_until:
        return _local.incr(key, window)
    used = _in_redis(key, window)
    if used is None:
        _local.alone_until = time.monotonic() + QUIET_S
        return _local.incr(key, window)
    return used


def _in_redis(key: str, window: int) -> int | None:
    """None where Redis does not answer. `add` lets one of two firsts begin, so no count is lost."""
    for _ in range(3):
        try:
            return cache.incr(key)  # None as well, when Redis is away
        except ValueError:
            if cache.add(key, 1, timeout=2 * window):
                return 1
    return None


class _LocalCounts:
    """This process's own counts. Two windows are kept at most, as whole dictionaries."""

    def __init__(self) -> None:
        self.alone_until = 0.0
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._older: dict[str, int] = {}
        self._turn_at = 0.0

    def incr(self, key: str, window: int) -> int:
        with self._lock:
            if time.monotonic() >= self._turn_at:
                self._older, self._counts = self._counts, {}
                self._turn_at = time.monotonic() + max(60, window)
            used = self._counts.get(key, self._older.get(key, 0)) + 1
            self._counts[key] = used
            return used


_local = _LocalCounts()
