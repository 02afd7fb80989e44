"""What stands between the ASGI server and the applications."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port, validate_host

from chatbackend.middleware import most_bytes, too_large, usable_id
from chatbackend.problems import problem_http
from conversations.context import request_id

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class OneHopHandler(ASGIHandler):
    """Django's handler with the whole synchronous chain, middleware and view, run in one thread hop. Django's
    own hops once or twice for every middleware; all of ours, and every view, are synchronous.

    Django would give every request a thread, and each thread would ask the pool: past DB_POOL_MAX plus
    DB_POOL_MAX_WAITING at once it refuses. Here there are as many threads as connections, and the rest wait
    without one. The thread gives its connection back before the reply is sent, not when a slow client has it."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        # Health and metrics must not wait for a busy database.
        if request.path in {"/health", "/metrics"} or request.path.startswith("/health/"):
            return await sync_to_async(self.get_response, thread_sensitive=True)(request)
        answer = database_sync_to_async(self._answer, thread_sensitive=False, executor=_threads())
        turn = Lock()  # who has it first: the thread that begins, or the caller who hangs up
        answered = asyncio.ensure_future(answer(request, monotonic(), turn))
        try:
            response: HttpResponseBase = await asyncio.shield(answered)
        except asyncio.CancelledError:  # they hung up, and Django closes the body next
            if turn.acquire(blocking=False):
                answered.cancel()
            else:
                await _carried_out(answered)
            raise
        return response

    def _answer(self, request: HttpRequest, asked_at: float, turn: Lock) -> HttpResponseBase:
        """What waited as long as one waits for a connection is not begun, nor what nobody waits for any more."""
        if not turn.acquire(blocking=False) or monotonic() - asked_at > settings.DB_POOL_ACQUIRE:
            return before_middleware(request.headers.get("X-Request-ID", ""), busy)
        return self.get_response(request)


async def _carried_out(answered: "asyncio.Future[HttpResponseBase]") -> None:
    """What nobody waits for any more, and the thread reads from: servers cancel a second time where that takes long.
    The answer is closed, and with it the files that were sent, which Django does with those that it has."""
    while not answered.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([answered])
    if not answered.cancelled() and answered.exception() is None:
        answered.result().close()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.DB_POOL_MAX, thread_name_prefix="request")


def before_middleware(given: str, refuse: Callable[[], HttpResponse]) -> HttpResponse:
    """A refusal with the request's id, which otherwise the middleware puts there."""
    token = request_id.set(usable_id(given))
    try:
        response = refuse()
        response["X-Request-ID"] = request_id.get()
        return response
    finally:
        request_id.reset(token)


def busy() -> HttpResponse:
    """Nothing was done, and it may be asked again."""
    detail = "Every connection to the database is in use; try again in a moment"
    return problem_http(503, code="database_busy", detail=detail, headers={"Retry-After": "2"})


class BodyTooLargeError(Exception):
    """The body outgrew its limit while it was read."""


class BodyLimit:
    """Counts a body as it comes, since one sent in chunks announces no length; past the limit it is
    neither stored nor read on."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received, most = 0, most_bytes(scope["path"])

        async def counted() -> Message:
            nonlocal received
            message: Message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise BodyTooLargeError
            return message

        try:
            await self.app(scope, counted, send)
        except BodyTooLargeError:
            given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
            await _respond(send, before_middleware(given, partial(too_large, most)))


class OriginCheck:
    """Lets a WebSocket in that comes from our own pages, from CORS_ALLOWED_ORIGINS, or from no page at all
    (native clients send no Origin)."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        if origin and not origin_allowed(origin, host):
            await send(
                {"type": "websocket.close", "code": 4403}
            )  # before accept: the handshake ends with 403
            return
        await self.app(scope, receive, send)


def origin_allowed(origin: str, host: str) -> bool:
    """Whether a page of `origin` may open a socket at `host`."""
    return origin in settings.CORS_ALLOWED_ORIGINS or same_origin(origin, host)


def same_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` is one of our own, served at `host`."""
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return False
    domain, _ = split_domain_port(host.lower())
    return parts.netloc.lower() == host.lower() and validate_host(domain, settings.ALLOWED_HOSTS)


async def _respond(send: Send, response: Any) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket to an address that has none: the handshake ends with 403, without a traceback in the log."""
    await send({"type": "websocket.close"})
