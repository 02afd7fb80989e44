"""A real server (Daphne, unless told otherwise) in a process of its own, on the database of the test run."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import IO

import httpx

from chatbackend.embedded.processes import await_ready, free_port, spawn, stop, tail

ROOT = Path(__file__).resolve().parent.parent
LINE = 240  # characters of a line of a log, where it is shown
ENOUGH = 30  # lines of a traceback

PROGRAMS = {
    "daphne": ("daphne", "-b", "127.0.0.1", "-p"),
    "uvicorn": ("uvicorn", "--log-level", "warning", "--lifespan", "off", "--host", "127.0.0.1", "--port"),
}


def work(
    env: Mapping[str, str], *options: str, output: IO[bytes] | int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """Starts a Celery worker in this environment."""
    argv = [sys.executable, "-m", "celery", "--app", "chatbackend", "--quiet", "worker", "--concurrency", "1"]
    env = {**env, "CHATBACKEND_PROCESS": "worker", "DB_POOL_MIN": ""}
    return spawn([*argv, *options], output=output, env=env, cwd=ROOT)


@dataclass
class Server:
    """`database`: the name of the database to serve. `settings`: variables on top of the run's own. `program`: a key of
    PROGRAMS, with `options` of its own."""

    database: str
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    log: Path = field(default_factory=lambda: Path(tempfile.mkstemp(prefix="daphne-", suffix=".log")[1]))
    process: subprocess.Popen[bytes] | None = None
    program: str = "daphne"
    options: tuple[str, ...] = ()
    logged: int = 0  # bytes of the log that were there before the present test

    @property
    def base_url(self) -> str:
        """http://127.0.0.1:port"""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """ws://127.0.0.1:port/ws/chat"""
        return f"ws://127.0.0.1:{self.port}/ws/chat"

    @property
    def env(self) -> dict[str, str]:
        """The environment of the process."""
        addresses = {
            name: os.environ[name] for name in ("DATABASE_URL", "DB_EXPLAIN_URL") if name in os.environ
        }
        urls = {name: f"{url.rsplit('/', 1)[0]}/{self.database}" for name, url in addresses.items()}
        process = {"CHATBACKEND_PROCESS": "web", "CHATBACKEND_EMBEDDED": "on", "DB_POOL_MIN": "1"}
        return {**os.environ, **process, **urls, **self.settings}

    def start(self) -> None:
        """Start it and wait until it answers."""
        argv = [
            sys.executable,
            "-m",
            *PROGRAMS[self.program],
            str(self.port),
            *self.options,
            "chatbackend.asgi:application",
        ]
        self.logged = 0
        with self.log.open("wb") as log:
            self.process = spawn(argv, output=log, env=self.env, cwd=ROOT)
        if not await_ready(self.process, self._answers, within_s=30):
            self.stop()
            raise RuntimeError(f"{self.program} did not start:\n{tail(self.log, 40)}")

    def ensure(self) -> None:
        """Start it again if a test ended it."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None:
            stop(self.process, signal.SIGTERM, within_s=10)
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def turn_page(self) -> None:
        """What the log says until now was said to other tests."""
        self.logged = self.log.stat().st_size

    def tracebacks(self) -> str:
        """Those that the log holds since the page was turned, each with the line before; of a long one the end."""
        text = self.log.read_bytes()[self.logged :].decode(errors="replace")
        lines = [line[:LINE] for line in text.splitlines()]
        starts = [number for number, line in enumerate(lines) if "Traceback" in line]
        return "\n\n".join("\n".join(_traceback(lines, start)) for start in starts)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/health/live", timeout=2).is_success
        except httpx.TransportError:
            return False


def _traceback(lines: Sequence[str], start: int) -> list[str]:
    """The line before it, and what is indented below it up to what it says at last."""
    below = takewhile(lambda line: line.startswith(" "), lines[start + 1 :])
    end = start + 1 + len(list(below))
    return [*lines[max(0, start - 1) : start + 1], *lines[start + 1 : end + 1][-ENOUGH:]]
