"""One hub a process: the only member of the channel layer's groups, and the way from an event to every local socket."""

from messaging.hub.admission import CrowdedError, advice
from messaging.hub.attendance import Seen
from messaging.hub.hub import CLOSED_RESTARTING, FLUSH_S, Counts, Hub
from messaging.hub.lane import Missed
from messaging.hub.running import counts, current, drain
from messaging.hub.socket import Socket
from messaging.hub.wire import EXTENSION, Wire

__all__ = [
    "CLOSED_RESTARTING",
    "EXTENSION",
    "FLUSH_S",
    "Counts",
    "CrowdedError",
    "Hub",
    "Missed",
    "Seen",
    "Socket",
    "Wire",
    "advice",
    "counts",
    "current",
    "drain",
]
