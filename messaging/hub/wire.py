"""Writing past the server's `send`: a frame is put in its final bytes once, not once for each socket that hears it.

Through `send` every frame costs every socket the waking of a task, and the server's own encoding and buffering.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

EXTENSION = "chat.wire"  # of the ASGI scope: the connection's Wire, where the server offers one
SLICE = 500  # sockets written to before the event loop may do something else

_TEXT = 0x81  # a whole text message in one frame


class Wire(Protocol):
    """The connection below a WebSocket."""

    def idle(self) -> bool:
        """Whether it is open and nothing waits to be written, so that bytes written now keep their place."""

    def write(self, data: bytes) -> None:
        """Writes whole WebSocket frames."""

    def full(self) -> bool:
        """Whether so much waits for the client that more would only fill memory."""

    def when_free(self, call: Callable[[], None]) -> None:
        """Calls once, as soon as it is not `full` any more, or the connection is lost."""


class Flushing(Protocol):
    """Something with output to write."""

    def flush(self) -> None: ...


class Burst:
    """All sockets of an event loop that have something to write are written to in one go, right after what runs now."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: deque[Flushing] = deque()
        self._texts: tuple[str, ...] = ()
        self._bytes = message(self._texts)

    def add(self, socket: Flushing) -> None:
        """Its `flush` is called soon, once for each time it was added."""
        if not self._due:
            self._loop.call_soon(self._flush)
        self._due.append(socket)

    def _flush(self) -> None:
        for _ in range(min(SLICE, len(self._due))):
            socket = self._due.popleft()
            try:
                socket.flush()
            except Exception:  # one that fails must not keep the others waiting
                log.exception("A socket could not be written to")
        if self._due:
            self._loop.call_soon(self._flush)

    def message(self, texts: tuple[str, ...]) -> bytes:
        """The WebSocket message of these lines; mostly it is that of the socket before."""
        if texts != self._texts:
            self._texts, self._bytes = texts, message(texts)
        return self._bytes


def message(texts: tuple[str, ...]) -> bytes:
    """Lines as a text message of one unmasked frame (RFC 6455, 5.2)."""
    payload = "\n".join(texts).encode()
    size = len(payload)
    if size < 126:
        head = bytes((_TEXT, size))
    elif size < 1 << 16:
        head = bytes((_TEXT, 126)) + size.to_bytes(2)
    else:
        head = bytes((_TEXT, 127)) + size.to_bytes(8)
    return head + payload
