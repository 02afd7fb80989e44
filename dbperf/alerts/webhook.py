"""A signed POST to one address: the one in the settings, never one that a reply names."""

import hmac
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from dbperf.alerts import addresses

TIMEOUT_S = 5.0


class NotAccepted(Exception):
    """The receiver is no such address as may be called, or did not answer with 2xx. Says nothing of the address,
    which may hold a secret."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Over the time and the body: neither can be changed, and an old one cannot be sent again unnoticed."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def post(url: str, body: bytes, headers: Mapping[str, str], *, plain: bool, private: bool) -> None:
    """Sends it. `plain`: over http, too. `private`: also to addresses that are not public.

    Redirects are not followed, proxies not asked, the reply's body not read. Raises NotAccepted, OSError,
    HTTPException.
    """
    parts = _parts(url, plain=plain)
    connection = _connected(parts, private=private)
    try:
        target = parts._replace(scheme="", netloc="", fragment="", path=parts.path or "/").geturl()
        connection.request("POST", target, body, dict(headers))
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotAccepted(f"answered {status}")


def _parts(url: str, *, plain: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise NotAccepted("not an address") from None
    if not usable or parts.scheme not in {"https", "http"}:
        raise NotAccepted("not an address")
    if "@" in parts.netloc:
        raise NotAccepted("a name or password in the address is not sent")
    if parts.scheme == "http" and not plain:
        raise NotAccepted("only https is allowed")
    return parts


def _connected(parts: SplitResult, *, private: bool) -> HTTPConnection:
    """To the very address that was looked at: a name that is resolved twice may lead elsewhere the second time."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = (HTTPSConnection if secure else HTTPConnection)(host, port)
    try:
        wire = addresses.connect(host, port, private=private, timeout=TIMEOUT_S)
    except addresses.NotPublic:
        raise NotAccepted("not a public address") from None
    try:
        context = ssl.create_default_context() if secure else None
        connection.sock = context.wrap_socket(wire, server_hostname=host) if context else wire
    except BaseException:
        wire.close()
        raise
    return connection
