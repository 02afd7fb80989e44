"""The servers that are measured, one process each."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.conf import settings

from chatbackend.embedded.processes import await_ready, free_port, spawn, stop, tail

HOST = "127.0.0.1"
NO_LIMIT = "1000000000"

ARGUMENTS: Mapping[str, Sequence[str]] = {
    "wsgi": (
        "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "4", "--backpressure", "64",
        "--log-level", "warning", "--host", HOST, "--port", "{port}", "chatbackend.wsgi:application",
    ),
    "daphne": ("daphne", "-v", "0", "-b", HOST, "-p", "{port}", "{application}"),
}  # fmt: skip
SOCKETS: Mapping[str, Sequence[str]] = {
    "daphne": ARGUMENTS["daphne"],
    "uvicorn": (
        "uvicorn", "--log-level", "warning", "--no-access-log", "--lifespan", "off", "--host", HOST, "--port", "{port}",
        "{application}",
    ),
}  # fmt: skip


class ServerFailedError(Exception):
    """A server did not start; the text has the end of its log."""


@dataclass(slots=True)
class Server:
    """`kind` is a key of ARGUMENTS or SOCKETS; `variables` come on top of our own environment."""

    kind: str
    variables: Mapping[str, str]
    application: str = "chatbackend.asgi:application"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it takes connections. Raises ServerFailedError."""
        parts = {**ARGUMENTS, **SOCKETS}[self.kind]
        argv = [
            sys.executable,
            "-m",
            *(part.format(port=self.port, application=self.application) for part in parts),
        ]
        with tempfile.NamedTemporaryFile(prefix=f"bench-{self.kind}-", suffix=".log") as log:
            self.process = spawn(
                argv, output=log.fileno(), env=self._environment(), cwd=Path(settings.BASE_DIR)
            )
            if not await_ready(self.process, self._listens, within_s=60):
                self.stop()
                raise ServerFailedError(f"{self.kind} did not start:\n{tail(Path(log.name))}")

    def stop(self) -> None:
        """Ends it and what it started."""
        if self.process is not None:
            stop(self.process, signal.SIGTERM, within_s=10)
            self.process = None

    def cpu_seconds(self) -> float:
        """What it and its children have used so far."""
        if self.process is None:
            return 0.0
        parent = psutil.Process(self.process.pid)
        times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def _environment(self) -> dict[str, str]:
        secrets = {"SECRET_KEY": settings.SECRET_KEY, "JWT_SIGNING_KEY": settings.JWT_SIGNING_KEY}
        own = {
            **secrets,
            "REDIS_URL": settings.REDIS_URL,
            "CHATBACKEND_PROCESS": "web",
            "CHATBACKEND_EMBEDDED": "on",  # plain http
            "DEBUG": "off",
            "ALLOWED_HOSTS": HOST,
            "RATE_LIMIT_FACTOR": NO_LIMIT,
            "LOG_LEVEL": "WARNING",
        }
        files = {f"{name}_FILE" for name in (*own, "DATABASE_URL")}
        inherited = {name: value for name, value in os.environ.items() if name not in files}
        return {**inherited, **own, **self.variables}
