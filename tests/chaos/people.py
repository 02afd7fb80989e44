"""Those who go on talking whatever is killed: they send again until they are acked, and resume where they were."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

Frame = dict[str, Any]
AWAY = (OSError, TimeoutError, WebSocketException, httpx.TransportError)
REPLY_S = 6.0
PAUSE_S = 0.2
HASTE_S = 0.03  # after which one gives up who is impatient; the server may have done it, or be at it
IMPATIENT = 0.05  # of all sends
TRY_AGAIN = {"unavailable", "rate_limited"}


class Acked(NamedTuple):
    """What the server said of a message, and when."""

    seq: int
    version: int
    at: float


class Heard(NamedTuple):
    """A message as a listener heard it."""

    client_id: str
    seq: int
    at: float


class Span(NamedTuple):
    """How long a connection was one that knows everything so far."""

    began: float
    ended: float


@dataclass
class Ledger:
    """What everybody saw. `faults` are in words; none may be there at the end."""

    acked: dict[str, Acked] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def head(self) -> int:
        """The last version that was acked; 0 for none."""
        return max((told.version for told in self.acked.values()), default=0)

    def ack(self, client_id: str, message: Frame) -> None:
        told = Acked(message["seq"], message["version"], time.monotonic())
        self.acked.setdefault(client_id, told)


@dataclass
class Person:
    """An account, and the servers it may go to, one after the other."""

    name: str
    token: str
    servers: Sequence[str]
    place: int = 0

    def elsewhere(self) -> str:
        """The next server's address, without the scheme."""
        self.place += 1
        return self.servers[self.place % len(self.servers)]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Sender:
    """Says one message after the other, each until it is acked; now and then it does not wait for the ack."""

    person: Person
    room: str
    ledger: Ledger
    ending: asyncio.Event
    socket: ClientConnection | None = None

    async def over_rest(self) -> None:
        async with httpx.AsyncClient(timeout=REPLY_S, headers=self.person.headers) as client:
            await self._talk(lambda client_id: self._post(client, client_id))

    async def over_socket(self) -> None:
        await self._talk(self._say)
        if self.socket is not None:
            await self.socket.close()

    async def _talk(self, say: Callable[[str], Awaitable[Frame | None]]) -> None:
        number = 0
        while not self.ending.is_set():
            number += 1
            client_id = f"{self.person.name}-{number}"
            while (message := await say(client_id)) is None:  # noqa: ASYNC110 - a client only knows when it asks
                await asyncio.sleep(PAUSE_S)
            self.ledger.ack(client_id, message)
            await asyncio.sleep(random.uniform(0.02, 0.1))

    async def _post(self, client: httpx.AsyncClient, client_id: str) -> Frame | None:
        url = f"http://{self.person.elsewhere()}/api/v1/conversations/{self.room}/messages"
        timeout = HASTE_S if _impatient() else REPLY_S
        try:
            reply = await client.post(
                url, json={"client_id": client_id, "content": client_id}, timeout=timeout
            )
        except AWAY:
            return None
        if reply.status_code not in {200, 201, 503}:
            self.ledger.faults.append(f"{client_id} over REST: {reply.status_code} {reply.text[:200]}")
        return dict(reply.json()) if reply.is_success else None

    async def _say(self, client_id: str) -> Frame | None:
        op = {
            "op": "send",
            "ref": client_id,
            "conversation": self.room,
            "client_id": client_id,
            "content": client_id,
        }
        try:
            self.socket = self.socket or await opened(self.person)
            await self.socket.send(orjson.dumps(op).decode())
            if _impatient():
                await self._hang_up(self.socket)
                return None
            async with asyncio.timeout(REPLY_S):
                answer = await self._answer(self.socket, client_id)
        except AWAY:
            self.socket = None
            return None
        if answer["event"] == "error" and answer["error"]["code"] not in TRY_AGAIN:
            self.ledger.faults.append(f"{client_id} over the socket: {answer['error']}")
        return answer.get("result")

    async def _hang_up(self, socket: ClientConnection) -> None:
        self.socket = None
        await socket.close()

    async def _answer(self, socket: ClientConnection, ref: str) -> Frame:
        while True:
            for frame in await frames(socket):
                if frame.get("ref") == ref:
                    return frame


@dataclass
class Listener:
    """Hears one conversation, and keeps what a client keeps: the version it has."""

    person: Person
    room: str
    ledger: Ledger
    version: int = 0
    read_to: int = 0
    heard: list[Heard] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    since: float = float("inf")
    resumes: int = 0
    resets: int = 0

    async def listen(self) -> None:
        """For ever."""
        while True:
            with suppress(*AWAY):
                async with await opened(self.person) as socket:
                    await self._hear(socket)
            await asyncio.sleep(random.uniform(0.05, 0.5))

    async def _hear(self, socket: ClientConnection) -> None:
        self.since = float("inf")  # until it is told what it missed
        beat = asyncio.create_task(_beat(socket))
        try:
            while True:
                for frame in await frames(socket):
                    await self._take(socket, frame)
        finally:
            beat.cancel()
            self.spans.append(Span(self.since, time.monotonic()))

    async def _take(self, socket: ClientConnection, frame: Frame) -> None:
        if frame["event"] == "hello" and not self.version:
            self.version, self.since = frame["heads"][self.room], time.monotonic()
        elif frame["event"] == "hello":
            self.resumes += 1
            await socket.send(orjson.dumps({"op": "resume", "cursors": {self.room: self.version}}).decode())
        elif frame["event"] == "resumed":
            self.since = time.monotonic()
        elif frame["event"] == "reset":
            self.resets += 1
            await self._read_on()
        elif "version" in frame and frame["conversation"] == self.room:
            self._note(frame)

    def _note(self, frame: Frame) -> None:
        if frame["version"] <= self.read_to:
            return  # it was read over REST before it came
        if frame["version"] <= self.version or frame["prev"] > self.version:
            at = f"{self.person.name} has {self.version}"
            self.ledger.faults.append(f"{at} and hears {frame['version']} after {frame['prev']}")
        self.version = frame["version"]
        if frame["event"] == "message.created":
            data = frame["data"]
            self.heard.append(Heard(data["client_id"], data["seq"], time.monotonic()))

    async def _read_on(self) -> None:
        """What a client does that missed too much: it reads over REST until it has everything."""
        where: Frame = {"after": self.version}
        async with httpx.AsyncClient(timeout=REPLY_S, headers=self.person.headers) as client:
            while where:
                url = f"http://{self.person.elsewhere()}/api/v1/conversations/{self.room}/changes"
                reply = await client.get(url, params={**where, "limit": 200})
                if not reply.is_success:
                    raise TimeoutError
                page = reply.json()
                for change in page["results"]:
                    self._note(change)
                where = {"cursor": page["next"]} if page["next"] else {}
        self.read_to = self.version


def _impatient() -> bool:
    return random.random() < IMPATIENT


async def _beat(socket: ClientConnection) -> None:
    while True:
        await asyncio.sleep(20)
        await socket.send('{"op":"ping"}')


async def opened(person: Person) -> ClientConnection:
    """A socket at the next server."""
    return await connect(
        f"ws://{person.elsewhere()}/ws/chat",
        additional_headers=person.headers,
        open_timeout=REPLY_S,
        ping_interval=None,
        compression=None,
        max_size=None,
    )


async def frames(socket: ClientConnection) -> list[Frame]:
    """Those of the next WebSocket message."""
    text = await socket.recv()
    return [orjson.loads(line) for line in text.split("\n" if isinstance(text, str) else b"\n")]  # type: ignore[arg-type]
