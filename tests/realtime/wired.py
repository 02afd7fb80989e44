"""An ASGI application for a Daphne of its own: says what it is asked for over the wire that the server offers."""

import sys
from typing import Any

import daphne.server  # noqa: F401 - as Daphne itself has it loaded before the application
from channels.routing import ProtocolTypeRouter

from chatbackend import daphne_sockets
from messaging.hub import EXTENSION
from messaging.hub.wire import message

assert "daphne.server" in sys.modules


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Accepts; for a number n it writes n bytes, then by way of `send` whether the wire is idle now."""
    await receive()
    await send({"type": "websocket.accept"})
    wire = scope["extensions"][EXTENSION]
    while (told := await receive())["type"] == "websocket.receive":
        before = wire.idle()
        wire.write(message(("x" * int(told["text"]),)))
        await send({"type": "websocket.send", "text": f"{before} {wire.idle()}"})


daphne_sockets.install()
application = ProtocolTypeRouter({"websocket": daphne_sockets.wired(answer)})
