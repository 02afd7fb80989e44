"""One connection from accept to close: a table of small methods, one an op.

A bare ASGI application. Channels' own consumers close old database connections through another thread for each event
they hear, which costs more than delivering it; here only `work.run` touches the database, and the hub delivers.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from conversations import access
from conversations.context import request_id
from conversations.exceptions import ChatError, Unauthenticated
from conversations.models import Conversation
from conversations.tokens import Claims
from messaging import frames, hub
from messaging.consumers import notes, opening, ops, presence, replay, replies, work
from messaging.consumers.opening import Credentials
from messaging.consumers.sweeping import Database
from messaging.consumers.typing import TypingState
from messaging.frames import Auth, Frame, Ping, Presence, Ref, Resume, SendMessage, Typing
from messaging.hub import Socket
from messaging.hub.bucket import Bucket
from messaging.queries.sockets import Opening

log = logging.getLogger(__name__)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

AUTH_WAIT_S = 5.0
FRAMES_PER_S = 100
FRAMES_BURST = 200
MAX_PENDING = 100  # ops of one socket waiting for their turn
MAX_CURSORS = 10_000  # of all replays that wait
MAX_REFUSED = 100  # refusals beyond what was allowed since
MAX_BAD = 10  # frames in a row that cannot be understood
FINISH_S = 5.0  # how long ops already taken may go on after the client left

FAILED = 1011
RESTARTING = hub.CLOSED_RESTARTING
BAD_FRAMES, UNAUTHENTICATED, TOO_LARGE, FLOODING = 4400, 4401, 4413, 4429


class RateLimited(ChatError):
    """Too much at once."""

    status = 429
    code = "rate_limited"
    title = "Too many at once"


class Unavailable(ChatError):
    """The database is away."""

    status = 503
    code = "unavailable"
    title = "The server cannot do this at the moment"


class ServerFault(ChatError):
    """A fault of ours, told without details."""

    status = 500
    code = "server_error"
    title = "The server made a mistake"


class DisconnectedError(Exception):
    """The client left before it was somebody."""


class ChatConsumer:
    """Speaks `chat.v1` with one client."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._session = uuid4().hex
        factor = settings.RATE_LIMIT_FACTOR
        self._allowance = Bucket(rate=FRAMES_PER_S * factor, burst=FRAMES_BURST * factor)
        self._refused = self._bad = self._count = 0
        self._pending: deque[Frame] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._socket: Socket
        self._user_id: UUID
        self._typing: TypingState
        self._hub = hub.current(notes.read, Database(), presence.Ledger)

    @classmethod
    def as_asgi(cls) -> Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]:
        """The ASGI application: a consumer for each connection."""

        async def application(scope: Message, receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).run()

        return application

    async def run(self) -> None:
        """The whole life of the connection."""
        request_id.set(self._session)
        try:
            await self._accept()
            claims, ref = await self._authenticate()
            await self._live(claims, ref)
        except DisconnectedError:
            return
        except hub.CrowdedError as crowded:
            await self._close(RESTARTING, crowded.reason)
        except Unauthenticated:
            await self._close(UNAUTHENTICATED)
        except (OperationalError, InterfaceError):
            await self._close(RESTARTING)
        except Exception:
            log.exception("A connection failed")
            await self._close(FAILED)

    async def _accept(self) -> None:
        if (await self._receive())["type"] != "websocket.connect":
            raise DisconnectedError
        offered = opening.PROTOCOL in self._scope.get("subprotocols", ())
        await self._send({"type": "websocket.accept", "subprotocol": opening.PROTOCOL if offered else None})

    async def _close(self, code: int, reason: str = "") -> None:
        await self._send({"type": "websocket.close", "code": code, **({"reason": reason} if reason else {})})

    # --- who

    async def _authenticate(self) -> tuple[Claims, Ref]:
        given, ref = opening.credentials(self._scope), None
        if given is None:
            given, ref = await self._first_frame()
        try:
            async with self._hub.admission.turn():
                known = opening.identify_at_once(given)  # a thread costs more, and there are many at once
                return await work.run(opening.identify, given) if known is None else known, ref
        except Unauthenticated as fault:
            if ref is not None:
                await self._send({"type": "websocket.send", "text": replies.error(ref, fault)})
            raise

    async def _first_frame(self) -> tuple[Credentials, Ref]:
        try:
            async with asyncio.timeout(AUTH_WAIT_S):
                message = await self._receive()
        except TimeoutError:
            raise Unauthenticated from None
        if message["type"] == "websocket.disconnect":
            raise DisconnectedError
        text = message.get("text") or ""
        if frames.too_large(text):
            await self._close(TOO_LARGE)
            raise DisconnectedError
        frame = frames.read(text)
        if not isinstance(frame.op, Auth):
            raise Unauthenticated
        return Credentials(token=frame.op.token), frame.ref

    # --- life

    async def _live(self, claims: Claims, ref: Ref) -> None:
        self._user_id = claims.user_id
        self._typing = TypingState(claims.user_id)
        self._socket = Socket(
            user=claims.user_id,
            send=self._send,
            now=self._loop.time(),
            wire=self._scope.get("extensions", {}).get(hub.EXTENSION),
            burst=self._hub.burst,
        )
        self._stay(claims)
        writer = asyncio.create_task(self._socket.write(), name="socket-writer")
        try:
            await self._begin(ref)
            await self._listen()
        except (
            asyncio.CancelledError
        ):  # the server ends, or closing got stuck; either way nothing is left to do
            self._socket.close(RESTARTING, hub.advice(0))
            await asyncio.wait([writer], timeout=hub.FLUSH_S)
        finally:
            self._pending.clear()
            self._socket.close(RESTARTING)  # whatever is still being done has nobody to tell
            self._typing.stop_all()
            self._hub.disconnect(self._socket)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def _stay(self, claims: Claims) -> None:
        self._socket.session = claims.session
        left = (claims.expires_at - timezone.now()).total_seconds()
        self._socket.expires_at = self._loop.time() + left

    async def _begin(self, ref: Ref) -> None:
        if self._hub.ending:
            self._socket.close(RESTARTING, hub.advice(0))
        elif self._hub.connect(self._socket):
            await self._greet(ref)
        else:
            self._socket.close(FLOODING)

    async def _greet(self, ref: Ref) -> None:
        """Subscribes first and reads afterwards, so that nothing falls between."""
        look = await self._look()
        if await self._hub.enter(self._socket, look.heads, look.businesses):
            look = await self._look()
        heads = self._hub.begin(self._socket, look.heads, look.businesses)
        self._socket.offer(opening.hello(self._session, look.user, heads))
        if ref is not None:
            self._socket.offer(replies.ack(ref, "{}"))
        self._socket.open_gate_later()

    async def _look(self) -> Opening:
        async with self._hub.admission.turn(patient=True, inside=True):
            return await work.run(opening.first_look, self._user_id, self._socket.session)

    async def _listen(self) -> None:
        while (message := await self._receive())["type"] != "websocket.disconnect":
            if self._socket.close_code is None:
                self._socket.heard_at = self._loop.time()
                self._take(message.get("text"))
        self._socket.hang_up()
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=FINISH_S)

    # --- frames

    def _take(self, text: str | None) -> None:
        """Reads a frame at once, whatever the ops before it are doing; its own turn comes in order."""
        if text is not None and frames.too_large(text):
            self._socket.close(TOO_LARGE)
            return
        frame = frames.read(text) if text is not None else Frame(None, None, frames.BadFrame("Not a text."))
        if not self._allowed(frame):
            self._refuse(frame)
        elif frame.op is None:
            self._reject(frame)
        else:
            self._bad, self._refused = 0, max(0, self._refused - 1)
            self._admit(frame, frame.op)

    def _allowed(self, frame: Frame) -> bool:
        now = self._loop.time()
        if not self._allowance.take(now) or len(self._pending) >= MAX_PENDING:
            return False
        if isinstance(frame.op, Resume) and self._cursors(frame, *self._pending) > MAX_CURSORS:
            return False
        return not isinstance(frame.op, ops.COUNTED) or self._hub.people.may_send(self._socket.user, now)

    @staticmethod
    def _cursors(*asked: Frame) -> int:
        return sum(
            len(frame.op.cursors) + len(frame.op.notes) for frame in asked if isinstance(frame.op, Resume)
        )

    def _refuse(self, frame: Frame) -> None:
        self._refused += 1
        if self._refused >= MAX_REFUSED:
            self._socket.close(FLOODING)
        self._socket.offer(replies.error(frame.ref, RateLimited("Slow down and send it again.")))

    def _reject(self, frame: Frame) -> None:
        fault = frame.error or frames.BadFrame()
        self._bad = self._bad + 1 if isinstance(fault, frames.BadFrame) else 0
        self._socket.offer(replies.error(frame.ref, fault))
        if self._bad >= MAX_BAD:
            self._socket.close(BAD_FRAMES)

    def _admit(self, frame: Frame, op: frames.Op) -> None:
        if isinstance(op, Resume):
            replay.hold(self._socket, op)
            notes.hold(self._socket, op)
        else:
            self._socket.open_gate()
        if not isinstance(op, Ping | Auth | Resume | Presence):  # what a client does by itself
            self._socket.active_at = self._loop.time()
        if isinstance(op, Ping):
            self._socket.offer(replies.answer("pong", frame.ref))
            return
        self._pending.append(frame)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="socket-ops")

    async def _work(self) -> None:
        """Ops in the order they came, one after the other."""
        while self._pending and self._socket.close_code is None:
            frame = self._pending.popleft()
            self._count += 1
            request_id.set(f"{self._session}-{self._count}")
            if self._socket.gone and isinstance(frame.op, Resume):
                continue
            fault = await self._carry_out(frame)
            if fault is not None:
                self._socket.offer(replies.error(frame.ref, fault))
        self._worker = None

    async def _carry_out(self, frame: Frame) -> ChatError | None:
        try:
            await self._METHODS.get(type(frame.op), ChatConsumer._write)(self, frame.ref, frame.op)
        except ChatError as fault:
            return fault
        except (OperationalError, InterfaceError):
            return Unavailable("The database cannot be reached. Send it again.")
        except Exception:
            log.exception("An operation of a socket failed")
            return ServerFault(f"Its request id is {request_id.get()}.")
        return None

    # --- ops

    async def _write(self, ref: Ref, op: Any) -> None:
        result = await work.run(ops.WRITES[type(op)], self._user_id, op)
        if isinstance(op, SendMessage) and not op.internal:  # of notes the customer is told nothing at all
            self._typing.stop(op.conversation)
        self._ack(ref, result)

    async def _auth(self, ref: Ref, op: Auth) -> None:
        self._stay(await work.run(opening.identify_again, op.token, self._user_id))
        self._ack(ref)

    async def _set_typing(self, ref: Ref, op: Typing) -> None:
        if str(op.conversation) not in self._socket.conversations or not self._typing.knows(op.conversation):
            found = await work.run(
                access.get_conversation,
                user_id=self._user_id,
                conversation_id=op.conversation,
                speaking=op.on,
            )
            if found.conversation.type != Conversation.Type.DIRECT:  # where the other may block any moment
                self._typing.learn(op.conversation, found.conversation.business_id)
        self._typing.set(op.conversation, on=op.on)
        self._ack(ref)

    async def _watch(self, ref: Ref, op: Presence) -> None:
        found = await presence.ask(self._user_id, op.users)
        self._ack(ref)
        if self._hub.attendance is not None and self._hub.people.has(self._socket):  # not gone meanwhile
            self._hub.attendance.watch(self._socket, found)

    async def _resume(self, ref: Ref, op: Resume) -> None:
        try:
            await replay.replay(self._hub, self._socket, op)
            await notes.replay(self._hub, self._socket, op)
        finally:  # whatever went wrong, what is live goes on
            notes.let_go(self._hub, self._socket, op)
        self._socket.offer(replies.answer("resumed", ref))

    def _ack(self, ref: Ref, result: str = "{}") -> None:
        if ref is not None:
            self._socket.offer(replies.ack(ref, result))

    _METHODS: dict[type, Callable[["ChatConsumer", Ref, Any], Awaitable[None]]] = {
        Auth: _auth,
        Typing: _set_typing,
        Presence: _watch,
        Resume: _resume,
    }
