"""An identity provider that publishes its keys over HTTP, and may be slow, broken or away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PATH = "/keys"


class Provider:
    """What it says next, and how often it was asked for what."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.answering = Event()
        self.answering.set()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where the keys are."""
        return f"http://127.0.0.1:{self._port}{PATH}"

    def publish(self, **keys: dict[str, Any]) -> None:
        """These and no others, by name."""
        self.body = json.dumps({"keys": [{"kid": kid, **key} for kid, key in keys.items()]}).encode()

    def start(self) -> Self:
        """At the address where it was before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Nobody listens there any more."""
        self.answering.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def provider(**keys: dict[str, Any]) -> Iterator[Provider]:
    """One that publishes these."""
    made = Provider().start()
    made.publish(**keys)
    try:
        yield made
    finally:
        made.stop()


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **members: Any) -> dict[str, Any]:
    """Its public half, as it is published."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), **members}  # type: ignore[arg-type]


def _handler(told: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(self.path)
            told.answering.wait(20)
            self.send_response(told.status)
            for name, value in {"Content-Length": str(len(told.body)), **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler
