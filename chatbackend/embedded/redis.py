"""Our own Redis: an accelerator, so it keeps nothing on disk."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from redis import Redis as Client
from redis import RedisError

from chatbackend.embedded import binaries
from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.processes import await_ready, end_leftover, free_port, spawn, stop, tail
from chatbackend.env import kept_secret


@dataclass
class Redis:
    """A server whose files live under `state`."""

    state: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    program: Path = field(default_factory=binaries.redis_server)

    @property
    def log(self) -> Path:
        return self.state / "redis.log"

    @property
    def conf(self) -> Path:
        return self.state / "redis.conf"

    @property
    def url(self) -> str:
        return f"redis://:{kept_secret(self.state / 'redis_password')}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `EmbeddedError`."""
        self.state.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        for port in [self.port] if self.port else [free_port() for _ in range(3)]:
            self.port = port
            if self._started():
                return
        raise EmbeddedError(f"Redis did not start ({self.log}):\n{tail(self.log)}")

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGTERM, within_s=1.5)
            self.process = None

    def _started(self) -> bool:
        self._configure()
        with self.log.open("wb") as log:
            # Inside its directory, by a relative name: its configuration cannot quote every path.
            self.process = spawn([self.program, self.conf.name], output=log, cwd=self.state)
        if await_ready(self.process, self._answers, within_s=20):
            return True
        self.stop()
        return False

    def _configure(self) -> None:
        """In a file of mode 0600: arguments are for everyone to read in the list of processes."""
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": kept_secret(self.state / "redis_password"),
            "save": '""',
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",  # never a queued job: those have no expiry
            "pidfile": "redis.pid",
            "daemonize": "no",
        }
        descriptor = os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            file.write("".join(f"{name} {value}\n" for name, value in lines.items()))

    def _answers(self) -> bool:
        client = Client.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        with suppress(RedisError):
            return bool(client.ping())
        return False

    def _end_leftover(self) -> None:
        try:
            pid = int((self.state / "redis.pid").read_text())
        except (FileNotFoundError, ValueError):
            return
        end_leftover(pid, self._is_ours, end_signal=signal.SIGTERM)
        (self.state / "redis.pid").unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        return "redis-server" in process.name() and Path(process.cwd()) == self.state.resolve()
