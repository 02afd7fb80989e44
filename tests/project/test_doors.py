"""What the ASGI door lets in."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import override_settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from chatbackend.doors import origin_allowed
from conversations.models import User
from messaging.models import Attachment
from tests import factories
from tests.realtime.client import token_of
from tests.server import Server

LIMIT = 1_048_576


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b"x" * 65_536


def test_a_body_in_chunks_is_counted(daphne: Server) -> None:
    url = f"{daphne.base_url}/api/v1/nope"
    assert httpx.post(url, content=chunks(LIMIT)).status_code == 404
    over = httpx.post(url, content=chunks(LIMIT + 65_536))
    assert over.status_code == 413
    assert over.headers["content-type"] == "application/problem+json"
    assert over.json()["code"] == "body_too_large"


def raw(server: Server, request: bytes) -> tuple[int, str, str]:
    """What a client library would not send: the reply's status, content type and problem code."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        reply = HTTPResponse(connection)
        reply.begin()
        body = reply.read()
    return reply.status, str(reply.getheader("content-type")), json.loads(body)["code"]


PROBLEM = "application/problem+json"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain"])
def test_forms_are_refused_by_the_application(daphne: Server, kind: str) -> None:
    for body in ("", "no form", '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'):
        head = f"POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        text = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        expected = (415, PROBLEM, "unsupported_media_type") if body else (400, PROBLEM, "invalid")
        assert raw(daphne, text.encode()) == expected


def refused(url: str, origin: str | None) -> int | None:
    """The status that ended the handshake, or None when it went through."""
    try:
        with connect(url, origin=origin, subprotocols=["chat.v1"], open_timeout=10):  # type: ignore[arg-type,list-item]
            return None
    except InvalidStatus as error:
        return error.response.status_code


def test_sockets_of_other_pages_are_refused(daphne: Server) -> None:
    assert refused(daphne.ws_url, "https://evil.example.org") == 403
    assert refused(daphne.ws_url, daphne.base_url) is None
    assert refused(daphne.ws_url, None) is None


def test_a_socket_to_nowhere(daphne: Server) -> None:
    assert refused(daphne.ws_url.replace("/ws/chat", "/ws/nope"), None) == 403
    assert daphne.tracebacks() == ""


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://chat.example.org", "chat.example.org", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("https://app.example.org", "chat.example.org", True),  # by CORS_ALLOWED_ORIGINS
        ("https://evil.example.org", "chat.example.org", False),
        ("http://localhost:3000", "localhost:8000", False),
        ("https://chat.example.org.evil.org", "chat.example.org", False),
        ("https://evil.org", "evil.org", False),  # a name pointed at us: no host of ours
        ("null", "chat.example.org", False),
        ("file://", "chat.example.org", False),
        ("https://chat.example.org@evil.org", "chat.example.org", False),
    ],
)
def test_origins(origin: str, host: str, allowed: bool) -> None:
    hosts = {
        "ALLOWED_HOSTS": ["chat.example.org", "localhost"],
        "CORS_ALLOWED_ORIGINS": ["https://app.example.org"],
    }
    with override_settings(**hosts):
        assert origin_allowed(origin, host) is allowed


def test_every_request_gives_its_connection_back(daphne: Server) -> None:
    """With one connection and hardly any patience, a slot that leaked would be the end of it."""
    bounds = {"DB_POOL_MIN": "0", "DB_POOL_MAX": "1", "DB_POOL_ACQUIRE": "500"}
    server = Server(database=daphne.database, settings=bounds)
    server.start()
    try:
        body = {"username": "nobody", "password": "wrong"}
        answers = [
            httpx.post(f"{server.base_url}/api/v1/auth/token", json=body, timeout=20) for _ in range(6)
        ]
        assert [answer.status_code for answer in answers] == [401] * 6
    finally:
        server.stop()
        server.log.unlink()


def test_who_hangs_up_breaks_nothing(daphne: Server) -> None:
    """The request has begun, and reads its body after they are gone: it is carried out, and no fault of ours."""
    alice = factories.person("alice")
    body = b'{"display_name": "Alice"}'
    head = (
        f"PATCH /api/v1/users/me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token_of(alice)}\r\n"
    )
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE users")
        with socket.create_connection(("127.0.0.1", daphne.port), timeout=10) as caller:
            caller.sendall(head.encode() + body)
            eventually(lambda: waiting_for_users(cursor))
        for _ in range(3):  # by the last answer the server has heard of it
            httpx.get(f"{daphne.base_url}/health/live").raise_for_status()
    eventually(lambda: User.objects.get(pk=alice.pk).display_name == "Alice")
    assert daphne.tracebacks() == ""


def test_what_callers_leave_behind_is_gone(daphne: Server) -> None:
    """Of two who hang up, what has begun is carried out, however soon the server loses its patience with it; what waits
    for the thread is let go of at once. Bodies so large lie in files without a name."""
    token = token_of(factories.person())
    options = ("--application-close-timeout", "1")
    server = Server(
        database=daphne.database, settings={"DB_POOL_MIN": "0", "DB_POOL_MAX": "1"}, options=options
    )
    server.start()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE users")
            with uploading(server, token):
                eventually(lambda: waiting_for_users(cursor))
                with uploading(server, token):
                    eventually(lambda: nameless(server) == 4)  # the server's own, and Django's
                eventually(lambda: nameless(server) == 2)
            eventually(lambda: "took too long to shut down" in server.log.read_text())
        eventually(lambda: Attachment.objects.count() == 1)
        eventually(lambda: nameless(server) == 0)
        assert server.tracebacks() == ""
    finally:
        server.stop()
        server.log.unlink()


@contextmanager
def uploading(server: Server, token: str) -> Iterator[None]:
    """Somebody who sends a file and hangs up at the end."""
    file = httpx.Request("POST", server.base_url, files={"file": ("a.bin", b"x" * 3_000_000)})
    head = f"POST /api/v1/attachments HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head += "".join(f"{name}: {file.headers[name]}\r\n" for name in ("Content-Type", "Content-Length"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.sendall(head.encode() + b"\r\n" + file.read())
        yield


def nameless(server: Server) -> int:
    """Files that the process has open and that are in no folder, or are kept for the time of a request."""
    assert server.process is not None
    there = [
        os.readlink(each) for each in Path(f"/proc/{server.process.pid}/fd").iterdir() if each.is_symlink()
    ]
    return sum(name.endswith("(deleted)") or ".upload" in name for name in there)


def waiting_for_users(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted")
    return bool(cursor.fetchone()[0])


def eventually(holds: Callable[[], bool]) -> None:
    until = monotonic() + 20
    while not holds():
        assert monotonic() < until
        sleep(0.02)
