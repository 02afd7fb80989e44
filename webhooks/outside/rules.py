"""What may be called, as far as the address itself tells. No I/O."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL: Final = 2_000
# Readers of addresses differ about everything else: blanks, line ends, backslashes, letters beyond ASCII.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")

Network = IPv4Network | IPv6Network


class Refused(Exception):
    """It is not to be called, or did not answer as it should. Says nothing of the address, which may hold a secret."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`plain`: also over http. `ports`: None for any. `networks`: may be called though they are not public."""

    plain: bool = False
    ports: Collection[int] | None = frozenset({443})
    networks: Collection[Network] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart. `path` comes with the query."""

    secure: bool
    host: str
    port: int
    path: str = field(repr=False)

    @property
    def name(self) -> str:
        """As the header `Host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def target(url: str, rules: Rules) -> Target:
    """Reads an address. Raises Refused."""
    parts = _parts(url)
    secure = parts.scheme == "https"
    if not secure and not (parts.scheme == "http" and rules.plain):
        raise Refused("only https is allowed" if not rules.plain else "only http and https are allowed")
    if "@" in parts.netloc:
        raise Refused("a name or password in the address is not allowed")
    port = parts.port or (443 if secure else 80)
    if rules.ports is not None and port not in rules.ports:
        raise Refused("this port is not allowed")
    query = f"?{parts.query}" if parts.query else ""
    return Target(secure, parts.hostname or "", port, f"{parts.path or '/'}{query}")


def _parts(url: str) -> SplitResult:
    if len(url) > MAX_URL or not _PLAIN.fullmatch(url) or "#" in url:
        raise Refused("not an address")
    try:
        parts = urlsplit(url)
        usable = _HOST.fullmatch(parts.hostname or "") and parts.port != 0
    except ValueError:
        raise Refused("not an address") from None
    if not usable:
        raise Refused("not an address")
    return parts
