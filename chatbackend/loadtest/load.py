"""What the client process is told to do. Known to both sides, and to neither Django nor a server."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One socket for each of `tokens`, all in `conversation`; `senders` of them send in turn for `seconds`.

    `sends_per_s` is a schedule that is kept whatever the server does; with `in_flight` above 0 there is none: so many
    broadcasts are under way, and the next one is sent as one has reached every socket. With `storm_s` above 0 all but
    the senders hang up at once after `ready`, and come back within so many seconds.
    """

    url: str
    tokens: Sequence[str]
    conversation: str
    seconds: float
    senders: int = 1
    sends_per_s: float = 0.0
    in_flight: int = 0
    connecting: int = 32
    drain_s: float = 5.0
    storm_s: float = 0.0
