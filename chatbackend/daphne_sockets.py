"""What Daphne's WebSocket half lacks, added where it is the server."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import partial
from pprint import pformat
from typing import Any

from autobahn.websocket import protocol as autobahn_protocol
from daphne import server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Port
from twisted.python.failure import Failure

from chatbackend.doors import Application, Receive, Scope, Send
from chatbackend.turns import Turns
from messaging import hub

MAX_MESSAGE_BYTES = 1_048_576  # read into memory before the application sees it, which itself takes 64 KiB
CLOSED_TOO_LARGE = 4413
ACCEPTS = (
    8  # connections a turn of the event loop; Twisted would take hundreds, and everybody else waited for them
)

HANG_UPS = 8  # as many: each ends a task, and thousands ended in one turn when a network in between went away


class Protocol(WebSocketProtocol):  # type: ignore[misc]
    """Sends any close code: autobahn's own `sendClose` refuses 1011 and 1012, which a server may send.

    To the transport it is the producer (`twisted.internet.interfaces.IPushProducer`), which hears when 64 KiB wait and
    when they have left. Until the handshake that is the HTTP channel, which would stop reading from a client that is
    slow to read; letting go of it also frees its memory.
    """

    _farewells = Turns(HANG_UPS)
    _lost = False
    _full = False
    _when_free: Callable[[], None] | None = None

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """The handshake is done."""
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().onOpen()

    def check_timeouts(self) -> None:
        """Those of the handshake and of Daphne's whole life. Nobody is pinged: clients say that they live, and the hub
        closes who is silent."""
        self.last_ping = math.inf
        super().check_timeouts()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """More waits than the transport wants to hold."""
        self._full = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Everything has left."""
        self._full = False
        call, self._when_free = self._when_free, None
        if call is not None:
            call()

    stopProducing = resumeProducing  # noqa: N815 - the connection is lost

    def full(self) -> bool:
        """Whether the client has to read before it is sent more."""
        return self._full

    def when_free(self, call: Callable[[], None]) -> None:
        """Calls once it has."""
        self._when_free = call

    def idle(self) -> bool:
        """Whether bytes written to the transport now leave at once."""
        transport = self.transport
        if self._lost:
            return False
        return self.state == self.STATE_OPEN and not transport.dataBuffer and not transport._tempDataBuffer

    def write(self, data: bytes) -> None:
        """Writes to the socket itself while Twisted's buffer is empty: its `write` only fills that, asks the event loop
        for a turn, and gives the turn back, which costs more than the writing. What does not fit is left to it."""
        done = self.transport.writeSomeData(data)
        if not isinstance(done, int):  # the connection is lost, as Twisted finds by itself
            done = len(data)
        if done < len(data):
            self.transport.write(data[done:])

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """The client hung up. What follows from it waits for its turn; nothing more is read or written until then."""
        self._lost = True
        self._farewells.add(partial(super().connectionLost, reason))

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Does what the application says; Daphne's own leaves out why a connection is closed."""
        if message.get("type") == "websocket.close" and self.state == self.STATE_OPEN:
            reason = message.get("reason") or ""
            self.sendCloseFrame(code=message.get("code", 1000), reasonUtf8=reason.encode() or None)
        else:
            super().handle_reply(message)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
        """Begins the closing handshake."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        """Says why, where autobahn would hang up; what is left of the frame is read and thrown away."""
        self.failedByMe = True
        self.sendCloseFrame(code=CLOSED_TOO_LARGE)


class Factory(WebSocketFactory):  # type: ignore[misc]
    """Bounds what a client may have the server hold in memory; past it the connection ends with 4413."""

    protocol = Protocol

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setProtocolOptions(
            maxFramePayloadSize=MAX_MESSAGE_BYTES, maxMessagePayloadSize=MAX_MESSAGE_BYTES
        )


def wired(app: Application) -> Application:
    """Offers the connection to the application as the extension `hub.EXTENSION`."""

    def with_wire(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        given = getattr(send, "args", ())  # Daphne's `send` is a partial of a method and this connection
        if (
            given and isinstance(given[0], Protocol) and hasattr(given[0].transport, "writeSomeData")
        ):  # not TLS
            scope = {**scope, "extensions": {**scope.get("extensions", {}), hub.EXTENSION: given[0]}}
        return app(scope, receive, send)

    return with_wire


class Formatted:
    """What `pformat` gives, made when somebody reads it: autobahn lists the options of every connection for a log that
    is off, which was a tenth of the work when thousands came at once."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return pformat(self._value)


def _formatted(value: object) -> object:
    return Formatted(value) if isinstance(value, list) else pformat(value)


def _as_it_is(value: Any) -> Any:
    """For the same log autobahn colours names and numbers, several times a connection and once a message."""
    return value


def install() -> None:
    """Before Daphne makes its server. At its end sockets hear of it: Daphne just hangs up on most of them."""
    server.WebSocketFactory = Factory
    autobahn_protocol.pformat = _formatted  # type: ignore[attr-defined, assignment]
    autobahn_protocol.hltype = autobahn_protocol.hlval = _as_it_is  # type: ignore[attr-defined, assignment]
    server.Server.kill_all_applications = _end
    Port.numberAccepts = property(lambda port: ACCEPTS, lambda port, number: None)  # type: ignore[assignment]


_kill_all_applications = server.Server.kill_all_applications


def _end(self: server.Server) -> Deferred[None]:
    """Nobody new comes in, those who are here are told to leave in steps, and then all ends as Daphne does it."""
    for reader in reactor.getReaders():  # type: ignore[misc]
        if isinstance(reader, Port):
            reader.stopListening()
    told = Deferred.fromFuture(asyncio.ensure_future(hub.drain(settings.SOCKET_DRAIN)))
    return told.addBoth(lambda _: _kill_all_applications(self))
