"""What the ASGI door lets in."""

from collections.abc import Iterator

import httpx
import pytest
from django.test import override_settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from chatbackend.doors import origin_allowed
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
    assert "Traceback" not in daphne.log.read_text()


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
