"""Who is told of alerts in tests: a web server and a mail server, real ones on this machine."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Call:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes
    caller: int = 0  # the port at the other end of the connection


@dataclass
class Hook:
    """A web server that answers with `answers` one after the other, then with 204. Where `wait` is given, it answers
    when that is set."""

    answers: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    wait: threading.Event | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?room=7"


@contextmanager
def hook(certificate: Path | None = None, *, stays: bool = False) -> Iterator[Hook]:
    """Over TLS where there is a certificate (with its key in the same file). `stays`: connections are kept open."""
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if stays else "HTTP/1.0"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.calls.append(Call(self.path, headers, body, self.client_address[1]))
            found.came.set()
            if found.wait:
                found.wait.wait(30)
            self.send_response(found.answers.pop(0) if found.answers else 204)
            self.send_header("Location", f"http://127.0.0.1:{found.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_port
    with _served(server):
        yield found


@dataclass
class Post:
    """A mail server's box. `refusals`: how many letters it refuses first."""

    letters: list[str] = field(default_factory=list)
    refusals: int = 0
    port: int = 0


@contextmanager
def post() -> Iterator[Post]:
    """A server that speaks just enough SMTP."""
    found = Post()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "DATA":
                    self._take()
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 yes")

        def _take(self) -> None:
            self._say("354 go on")
            lines = list(iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), "."))
            if found.refusals:
                found.refusals -= 1
                self._say("451 later")
                return
            found.letters.append("\n".join(lines))
            self._say("250 kept")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    with _served(server):
        yield found


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
