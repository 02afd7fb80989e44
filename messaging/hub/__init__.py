"""One hub a process: the only member of the channel layer's groups, and the way from an event to every local socket."""

from messaging.hub.hub import Hub, current
from messaging.hub.lane import Missed
from messaging.hub.socket import Socket

__all__ = ["Hub", "Missed", "Socket", "current"]
