"""A client of the socket as a test needs it: reads frame by frame, and never waits for longer than it says.

Every frame it hears is held against the AsyncAPI document.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import orjson
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from chatbackend.embedded.processes import tail
from conversations.models import User
from tests import asyncapi

Frame = dict[str, Any]

PATIENCE_S = 10.0


def token_of(user: User) -> str:
    """An access token as signing in gives it."""
    return str(AccessToken.for_user(user))


class Client:
    """One socket. Ids in frames may be given as UUIDs."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        protocol: bool = True,
        **options: Any,
    ) -> None:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection = connect(
            url,
            subprotocols=[Subprotocol("chat.v1")] if protocol else None,
            additional_headers={**given, **(headers or {})},
            max_size=None,
            ping_interval=None,
            close_timeout=2,
            compression=None,
            **options,
        )
        self.socket = self._connection.__enter__()
        self.hello: Frame = {}
        self.log: Path | None = None  # of the server, where it is known
        self.messages = 0
        self._lines: deque[bytes] = deque()
        self._refs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.__exit__(kind, error, trace)

    def say(self, **frame: Any) -> None:
        """Sends one frame."""
        self.socket.send(orjson.dumps(frame).decode())

    def next(self, timeout: float = PATIENCE_S) -> Frame:
        """The next frame. Raises TimeoutError, or ConnectionClosed."""
        if not self._lines:
            received = self.socket.recv(timeout=timeout)
            self.messages += 1
            self._lines.extend((received if isinstance(received, bytes) else received.encode()).split(b"\n"))
        frame: Frame = orjson.loads(self._lines.popleft())
        asyncapi.check_heard(frame)
        return frame

    def until(self, wanted: Callable[[Frame], bool], timeout: float = PATIENCE_S) -> list[Frame]:
        """All frames up to the first that is wanted, that one last."""
        frames = [self.next(timeout)]
        while not wanted(frames[-1]):
            frames.append(self.next(timeout))
        return frames

    def hear(self, event: str, **members: Any) -> Frame:
        """The next frame of this event (with these members), whatever comes before it."""
        members = {name: str(value) if isinstance(value, UUID) else value for name, value in members.items()}
        wanted = {"event": event, **members}
        try:
            return self.until(lambda frame: wanted.items() <= frame.items())[-1]
        except TimeoutError:
            came, said = self.heard_by_now(), tail(self.log) if self.log else ""
            raise AssertionError(f"{wanted} did not come; a ping then brought {came}\n{said}") from None

    def ask(self, op: str, **fields: Any) -> Frame:
        """Sends an op with a ref and returns its answer; what came before it is passed over."""
        self._refs += 1
        self.say(op=op, ref=self._refs, **fields)
        return self.until(lambda frame: frame.get("ref") == self._refs)[-1]

    def do(self, op: str, **fields: Any) -> Any:
        """The result of an op, which must be acknowledged."""
        answer = self.ask(op, **fields)
        assert answer["event"] == "ack", answer
        return answer["result"]

    def heard_by_now(self) -> list[Frame]:
        """What the server had for this socket when it read our ping."""
        self._refs += 1
        self.say(op="ping", ref=self._refs)
        return self.until(lambda frame: frame.get("ref") == self._refs)[:-1]

    def code(self) -> int | None:
        """Reads until the server closes and returns the code."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def durable(frames: list[Frame], conversation: UUID) -> list[Frame]:
    """The durable events of one conversation among these."""
    return [frame for frame in frames if "version" in frame and frame["conversation"] == str(conversation)]
