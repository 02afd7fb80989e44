"""A way to PostgreSQL that can be cut and mended."""

import contextlib
import os
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Passes TCP on to the run's PostgreSQL, or to another one."""

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        parts = urlsplit(os.environ["DATABASE_URL"])
        self._target = target or (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._open = True
        self._answering = threading.Event()
        self._answering.set()
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it is, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def url(self, database: str) -> str:
        """The database by way of this proxy."""
        parts = urlsplit(os.environ["DATABASE_URL"])
        user = parts.netloc.rpartition("@")[0]
        host = f"127.0.0.1:{self.port}"
        return urlunsplit(parts._replace(netloc=f"{user}@{host}", path=f"/{database}"))

    def cut(self) -> None:
        """Hangs up, and on whoever comes."""
        self._open = False
        for end in self._pairs:
            _hang_up(end)
        self._pairs.clear()

    def refuse(self) -> None:
        """Hangs up on whoever comes; who is there stays."""
        self._open = False

    def hush(self) -> None:
        """Lets PostgreSQL hear everything and nobody hear PostgreSQL."""
        self._answering.clear()

    def mend(self) -> None:
        """Passes on again."""
        self._open = True
        self._answering.set()

    def close(self) -> None:
        """No more."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._open:
                    self._connect(client)
                else:
                    client.close()

    def _connect(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        self._pairs += [client, server]
        always = threading.Event()
        always.set()
        for source, sink, flowing in ((client, server, always), (server, client, self._answering)):
            threading.Thread(target=_pump, args=(source, sink, flowing), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, flowing: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            flowing.wait()
            sink.sendall(data)
    _hang_up(sink)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
