"""The public keys that an outside identity provider publishes (JWKS), as one process knows them.

PyJWT reads each of them. When they are fetched is decided here, since anybody may send a token that names any key:
PyJWT's own client fetches under a lock that everybody waits for, again for each stranger while the provider is away,
and has nothing left as soon as what it had is five minutes old.
"""

import logging
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, NamedTuple

import jwt
import orjson
from jwt.exceptions import PyJWKClientError

FRESH_S = 300.0  # older than this they are fetched again before they are used
STALE_S = 3_600.0  # for so long they are used where fetching fails
AGAIN_S = 10.0  # between two attempts, whoever asks for what: a new key is found that late
WAIT_S = 5.0
MOST_BYTES = 1 << 18

logger = logging.getLogger(__name__)


class _Key(NamedTuple):
    """`algorithm`: the only one that it is for, where the provider says so."""

    key: Any
    algorithm: str | None


class PublishedKeys:
    """Those of one URL. `now`: a monotonic clock; `wait_s`: for an attempt, at most."""

    def __init__(
        self, url: str, *, now: Callable[[], float] = time.monotonic, wait_s: float = WAIT_S
    ) -> None:
        self._url = url
        self._now = now
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._keys: dict[str, _Key] = {}
        self._read_at = self._tried_at = float("-inf")
        self._attempt: threading.Event | None = None

    def key(self, kid: object, algorithm: str) -> Any:
        """The key of this name, for this algorithm. Raises PyJWTError where there is none."""
        if not isinstance(kid, str):
            raise PyJWKClientError("names no key")
        known, fresh = self._known(kid)
        if known is None or not fresh:
            self._fetch_again(patient=known is None)
            known, _ = self._known(kid)
        if known is None or known.algorithm not in {None, algorithm}:
            raise PyJWKClientError("names a key that is not published")
        return known.key

    def _known(self, kid: str) -> tuple[_Key | None, bool]:
        age = self._now() - self._read_at
        return (self._keys.get(kid) if age < STALE_S else None), age < FRESH_S

    def _fetch_again(self, *, patient: bool) -> None:
        """One attempt at a time, and not often. Who has a key that will do does not wait for an attempt of others."""
        with self._lock:
            attempt, ours = self._attempt, False
            if attempt is None and self._now() - self._tried_at >= AGAIN_S:
                self._tried_at, ours = self._now(), True
                attempt = threading.Event()
                threading.Thread(target=self._try, args=(attempt,), daemon=True).start()
                self._attempt = attempt
        if attempt is not None and (ours or patient):
            attempt.wait(self._wait_s)

    def _try(self, attempt: threading.Event) -> None:
        """In a thread of its own: a provider that sends a byte now and then keeps nobody longer."""
        try:
            self._keys, self._read_at = _usable(_fetched(self._url, self._wait_s)), self._now()
        except (OSError, HTTPException, ValueError) as error:
            logger.warning("The published keys cannot be had: %s", type(error).__name__)
        finally:
            with self._lock:
                self._attempt = None
            attempt.set()


def _usable(published: Any) -> dict[str, _Key]:
    """Those that verify signatures and have a name; an empty list takes all back. Raises ValueError."""
    if not isinstance(published, dict) or not isinstance(published.get("keys"), list):
        raise ValueError("no key set")
    return {
        entry["kid"]: _Key(found.key, entry.get("alg"))
        for entry in published["keys"]
        if (found := _parsed(entry)) is not None
    }


def _parsed(entry: Any) -> jwt.PyJWK | None:
    """None of what is no use here: not every provider publishes only what we know. A secret has no business there."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    if entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
        return None
    try:
        return jwt.PyJWK.from_dict(entry)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from the address in the settings, and from none that a reply names."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _fetched(url: str, wait_s: float) -> Any:
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=wait_s) as reply:
        return orjson.loads(reply.read(MOST_BYTES))  # what is longer is cut, and then no JSON
