"""What is measured beside what: the API on each server, bare views on the same, and the statement alone."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import psycopg
from django.conf import settings

from chatbackend.benchmark.client import Load, Measure
from chatbackend.benchmark.recording import Recording
from chatbackend.benchmark.servers import HOST, Server


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement. `server_cpu`: the share of one core that the server took, None where there is none."""

    measure: Measure
    server_cpu: float | None


class Target(Protocol):
    """Something that can be put under load with a case."""

    def load(self, case: str, seconds: float) -> Round: ...


@dataclass(frozen=True, slots=True)
class HTTPTarget:
    """A server and the raw requests of each case."""

    server: Server
    requests: Mapping[str, Sequence[str]]
    connections: int

    def load(self, case: str, seconds: float) -> Round:
        """From a client in a process of its own."""
        load = Load(HOST, self.server.port, self.connections, seconds, self.requests[case])
        before = self.server.cpu_seconds()
        measured = run_client(load)
        return Round(measured, (self.server.cpu_seconds() - before) / measured.seconds)


def run_client(load: Load) -> Measure:
    """One run of the load process."""
    finished = subprocess.run(
        [sys.executable, "-m", "chatbackend.benchmark.client"],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(settings.BASE_DIR),
    )
    if finished.returncode != 0:
        raise ConnectionError(finished.stderr.strip().splitlines()[-1])
    return Measure(**json.loads(finished.stdout))


def raw_request(method: str, path: str, *, token: str = "", cookie: str = "", body: str = "") -> str:
    """HTTP/1.1 as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if cookie:
        lines.append(f"Cookie: {cookie}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return "\r\n".join([*lines, "", body])


@dataclass(frozen=True, slots=True)
class StatementTarget:
    """The statement alone, over one connection that prepares it, as fast as PostgreSQL answers."""

    url: str
    recordings: Mapping[str, Recording]

    def load(self, case: str, seconds: float) -> Round:
        """In this process: there is no server but PostgreSQL."""
        recording = self.recordings[case]
        with psycopg.connect(self.url, autocommit=True) as connection:
            return Round(
                _timed(lambda values: _run(connection, recording.sql, values), recording, seconds), None
            )


def _run(connection: psycopg.Connection[Any], sql: str, values: Mapping[str, Any]) -> int:
    found = connection.execute(sql, values).fetchall()
    return sum(len(row[0]) for row in found)


def _timed(run: Callable[[Mapping[str, Any]], int], recording: Recording, seconds: float) -> Measure:
    latencies: list[float] = []
    size = 0
    began, worked = time.perf_counter(), time.process_time()
    for values in cycle(recording.params):
        before = time.perf_counter()
        if before - began >= seconds:
            break
        size += run(values)
        latencies.append((time.perf_counter() - before) * 1000)
    took = time.perf_counter() - began
    cpu = (time.process_time() - worked) / took
    return Measure(len(latencies), 0, took, size, cpu, latencies, {"rows": len(latencies)})
