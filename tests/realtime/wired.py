"""An ASGI application for a Daphne of its own: says what it is asked for over the wire that the server offers."""

import asyncio
import os
import pprint
import sys
import time
from typing import Any

import daphne.server  # noqa: F401 - as Daphne itself has it loaded before the application
import django
from autobahn.websocket import protocol
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
django.setup()  # the hub opens sealed words, by keys that are rows

from chatbackend import daphne_sockets  # noqa: E402
from messaging.hub import EXTENSION  # noqa: E402
from messaging.hub.wire import message  # noqa: E402

assert "daphne.server" in sys.modules


class Endings:
    """How many connections ended in one turn of the event loop, at most, and in all."""

    def __init__(self) -> None:
        self.all = self.most = self._now = 0

    def count(self) -> None:
        if not self._now:
            asyncio.get_running_loop().call_soon(self._turn)
        self._now += 1
        self.all += 1

    def _turn(self) -> None:
        self.most, self._now = max(self.most, self._now), 0


endings = Endings()


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Accepts; for a number n it writes n bytes, then by way of `send` whether the wire is idle now.

    For `doze` it lets the event loop wait for half a second, for `endings` it says how connections ended, for `spared`
    how often names and options of connections were put into words, and whether the server would ping now.
    """
    await receive()
    await send({"type": "websocket.accept"})
    wire = scope["extensions"][EXTENSION]
    while (told := await receive())["type"] == "websocket.receive":
        if told["text"] == "doze":
            time.sleep(0.5)  # noqa: ASYNC251 - nobody else gets a turn meanwhile
        elif told["text"] == "endings":
            await send({"type": "websocket.send", "text": f"{endings.all} {endings.most}"})
        elif told["text"] == "spared":
            wire.server.ping_interval = 0
            wire.check_timeouts()
            await send({"type": "websocket.send", "text": f"{formatted} {wire.autoPingPending is not None}"})
        else:
            before = wire.idle()
            wire.write(message(("x" * int(told["text"]),)))
            await send({"type": "websocket.send", "text": f"{before} {wire.idle()}"})
    endings.count()


formatted = 0


def counted(value: object) -> str:
    """`pformat`, which tells that it was asked."""
    global formatted
    formatted += 1
    return pprint.pformat(value)


def coloured(value: Any) -> Any:
    """As autobahn colours a name for its log, which tells that it was asked."""
    global formatted
    formatted += 1
    return value


protocol.hltype = protocol.hlval = coloured  # type: ignore[attr-defined, assignment]
daphne_sockets.pformat = counted  # type: ignore[attr-defined, assignment]
daphne_sockets.install()
application = ProtocolTypeRouter({"websocket": daphne_sockets.wired(answer)})
