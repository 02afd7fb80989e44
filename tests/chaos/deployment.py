"""A whole deployment whose parts may be killed: a durable PostgreSQL, Redis, two web processes, a worker."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.processes import await_ready, stop
from chatbackend.embedded.redis import Redis
from tests.server import ROOT, Server, work

PATIENCE_S = 40.0  # for a part to be there again
WEBS = ("web a", "web b")
PARTS = (*WEBS, "postgres", "backend", "worker", "redis")


@dataclass
class Outage:
    """A part that was killed, in seconds of the monotonic clock; `ended` when it answered again."""

    part: str
    began: float
    ended: float = float("inf")


@dataclass
class Deployment:
    """Its processes are started from the main thread: the kernel ends them with the thread that forked."""

    state: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp")))
    outages: list[Outage] = field(default_factory=list)

    def start(self) -> None:
        self.state.chmod(0o711)
        self.postgres, self.redis = Postgres(self.state), Redis(self.state)
        self.postgres.start()
        self.redis.start()
        self.manage("migrate", "--verbosity", "0")
        self.webs = {name: Server(database="", settings=self.settings) for name in WEBS}
        for server in self.webs.values():
            server.start()
        self.worker = self._work()

    def stop(self) -> None:
        for server in self.webs.values():
            server.stop()
            server.log.unlink(missing_ok=True)
        stop(self.worker, signal.SIGTERM, within_s=5)
        self.redis.stop()
        self.postgres.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    @property
    def settings(self) -> dict[str, str]:
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url, "DB_POOL_ACQUIRE": "3000"}

    def manage(self, *arguments: str) -> str:
        """What a command prints. Raises CalledProcessError."""
        argv = [sys.executable, "manage.py", *arguments]
        env = {**os.environ, **self.settings}
        return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout

    # --- killing

    def kill(self, part: str) -> None:
        """As a power cut would."""
        self.outages.append(Outage(part, time.monotonic()))
        if part in self.webs:
            self.webs[part].kill()
        elif part == "worker":
            _kill(self.worker)
        elif part == "backend":
            self._kill_backend()
        else:
            process = (self.redis if part == "redis" else self.postgres).process
            assert process
            _kill(process)

    def restore(self, part: str) -> None:
        """Starts it again, and returns when it answers."""
        if part in self.webs:
            self.webs[part].start()
        elif part == "worker":
            self.worker = self._work()
        elif part == "redis":
            self.redis.start()
        elif part == "postgres":
            self._start_postgres()
        else:
            assert self.postgres.process
            assert await_ready(self.postgres.process, self.postgres._answers, within_s=PATIENCE_S)
        self.outages[-1].ended = time.monotonic()

    @property
    def began(self) -> float:
        """The first kill, from which timelines count."""
        return self.outages[0].began if self.outages else 0.0

    def story(self) -> str:
        """The timeline of what was killed."""
        return "\n".join(
            f"{one.began - self.began:7.2f} s: {one.part} killed, there again at {one.ended - self.began:.2f} s"
            for one in self.outages
        )

    def _kill_backend(self) -> None:
        """One session of the application dies, and PostgreSQL throws out all others and recovers."""
        assert self.postgres.process
        sessions = [
            child
            for child in psutil.Process(self.postgres.process.pid).children()
            if "127.0.0.1(" in " ".join(child.cmdline())
        ]
        with suppress(psutil.NoSuchProcess):
            if sessions:
                sessions[0].kill()

    def _start_postgres(self) -> None:
        """Sessions of the dead server may hold its memory for a moment longer."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.postgres.start()
            except EmbeddedError:
                if time.monotonic() > until:
                    raise

    def _work(self) -> "subprocess.Popen[bytes]":
        return work({**os.environ, **self.settings})


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
