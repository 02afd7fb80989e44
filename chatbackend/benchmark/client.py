"""The load: a process of its own that keeps connections busy over raw sockets and measures.

`python -m chatbackend.benchmark.client` reads a Load as JSON from standard input and writes a Measure as JSON. It knows
neither Django nor an HTTP library, so that what it costs is small beside what it measures.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """`requests` are sent in turn over `connections` for `seconds`, each connection as soon as it has its reply."""

    host: str
    port: int
    connections: int
    seconds: float
    requests: Sequence[str]


@dataclass(frozen=True, slots=True)
class Measure:
    """Latencies in ms. `cpu` is the share of one core that the client itself took."""

    requests: int
    errors: int
    seconds: float
    bytes: int
    cpu: float
    latencies: Sequence[float]
    statuses: dict[str, int]


@dataclass(slots=True)
class _Line:
    """One connection and the reply it waits for."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    expected: int = -1  # bytes of the whole reply, once its head is there

    def send(self, request: bytes) -> None:
        self.received.clear()
        self.expected = -1
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Takes what is there; True once the reply is whole. Raises ConnectionError where the server hung up."""
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("the server closed a connection")
        self.received += piece
        if self.expected < 0 and (end := self.received.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(self.received, 0, end)
            if length is None:
                raise ConnectionError(f"a reply without Content-Length: {bytes(self.received[:end])!r}")
            self.expected = end + len(_HEAD_END) + int(length[1])
        return 0 <= self.expected <= len(self.received)

    @property
    def status(self) -> str:
        return bytes(self.received[9:12]).decode()


def measure(load: Load) -> Measure:
    """Runs a load to its end."""
    lines = [
        _Line(socket.create_connection((load.host, load.port), timeout=30)) for _ in range(load.connections)
    ]
    try:
        return _measure(load, lines)
    finally:
        for line in lines:
            line.socket.close()


def _measure(load: Load, lines: Sequence[_Line]) -> Measure:
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    size = 0
    began, worked = time.perf_counter(), time.process_time()
    for line in _replies(lines, [request.encode() for request in load.requests], began + load.seconds):
        latencies.append((time.perf_counter() - line.sent_at) * 1000)
        statuses[line.status] = statuses.get(line.status, 0) + 1
        size += line.expected
    took = time.perf_counter() - began
    errors = sum(count for status, count in statuses.items() if not status.startswith("2"))
    cpu = (time.process_time() - worked) / took
    return Measure(len(latencies), errors, took, size, cpu, latencies, statuses)


def _replies(lines: Sequence[_Line], requests: Sequence[bytes], deadline: float) -> Iterator[_Line]:
    """Each connection whose reply is whole; it gets its next request afterwards, until the time is over."""
    following = cycle(requests)
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.send(next(following))
        waiting = len(lines)
        while waiting:
            for key, _ in selector.select(timeout=30) or _silent():
                line = key.data
                if not line.receive():
                    continue
                yield line
                if time.perf_counter() < deadline:
                    line.send(next(following))
                else:
                    waiting -= 1


def _silent() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError("no reply for 30 s")


if __name__ == "__main__":
    json.dump(asdict(measure(Load(**json.load(sys.stdin)))), sys.stdout)
