"""What the client process of the mixed load is told to do. Known to both sides, and to neither Django nor a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

READ, LIST, SEARCH, SEND, SEND_REST = "read", "list", "search", "send", "send_rest"
# What people do, out of a hundred things: most of the time they look.
SHARES: Mapping[str, int] = {READ: 50, LIST: 20, SEARCH: 10, SEND: 10, SEND_REST: 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A conversation, and the token of each who is in it."""

    conversation: str
    tokens: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedLoad:
    """Everybody of `rooms` holds a socket; together they do `actions_per_s` things for `seconds`, on a schedule that is
    kept whatever the servers do and that is always the same for a `seed`. Requests go to `rest_url` over `lines`
    connections. What `window_s` seconds came to is told when they are over.
    """

    socket_url: str
    rest_url: str
    rooms: Sequence[Room]
    seconds: float
    actions_per_s: float
    window_s: float
    seed: int = 1
    lines: int = 32
    connecting: int = 32
    drain_s: float = 10.0
