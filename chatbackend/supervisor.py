"""Keeps the parts of `make run` going, and ends them all together."""

import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.processes import kill_group, spawn, stop, tail
from chatbackend.embedded.redis import Redis

DEATHS_A_MINUTE = 5
LONGEST_PAUSE_S = 8.0
LAST_LINES = 20
PATIENCE_S = 4.0  # for all programs together; with the databases everything ends within 10 s


class PartsFailedError(Exception):
    """A part died too often. The text names it and shows what it said last."""


class Part(Protocol):
    """Something that is started, watched and stopped."""

    @property
    def name(self) -> str: ...

    def start(self) -> None: ...

    def exit_code(self) -> int | None:
        """None while it runs."""

    def stop(self) -> None: ...

    def last_words(self) -> str: ...


@dataclass
class Database:
    """One of the embedded servers as a part; its log is its own file."""

    name: str
    server: Postgres | Redis

    def start(self) -> None:
        self.server.start()

    def exit_code(self) -> int | None:
        return self.server.process.poll() if self.server.process else -1

    def stop(self) -> None:
        self.server.stop()

    def last_words(self) -> str:
        return tail(self.server.log)


@dataclass
class Command:
    """A process of the project as a part; what it prints appears after its name."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    say: Callable[[str], None]
    process: subprocess.Popen[bytes] | None = None
    _asked_at: float | None = None
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def start(self) -> None:
        self._asked_at = None
        self.process = spawn(self.argv, output=subprocess.PIPE, env=self.env, cwd=self.cwd)
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else -1

    def ask_to_stop(self) -> None:
        """Ask, without waiting: several parts then end side by side."""
        if self._asked_at is None and self.process is not None and self.process.poll() is None:
            self._asked_at = time.monotonic()
            self.process.terminate()

    def stop(self) -> None:
        if self.process is not None:
            self.ask_to_stop()
            waited = time.monotonic() - self._asked_at if self._asked_at else 0.0
            stop(self.process, None, within_s=max(0.0, PATIENCE_S - waited))
            kill_group(self.process.pid)  # children of a worker that did not follow it
            self.process = None

    def last_words(self) -> str:
        return "\n".join(self._lines)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - given to Popen above
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            if line:
                self._lines.append(line)
                self.say(f"{self.name:<8} | {line}")


@dataclass
class Life:
    """The deaths of one part, and when it is next started."""

    part: Part
    deaths: deque[float] = field(default_factory=deque)
    start_at: float | None = None

    def died(self, now: float) -> float:
        """Note a death; returns the pause before the next start in seconds, doubling up to 8."""
        self.deaths.append(now)
        while now - self.deaths[0] > 60:
            self.deaths.popleft()
        pause: float = min(0.5 * 2 ** (len(self.deaths) - 1), LONGEST_PAUSE_S)
        self.start_at = now + pause
        return pause


class Supervisor:
    """Starts parts in order, starts again what dies, stops all in the opposite order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.lives: list[Life] = []

    def start(self, part: Part) -> None:
        """Start a part and watch it from now on."""
        self.lives.append(Life(part))
        part.start()

    def watch_once(self) -> None:
        """Look after every part once. Raises `PartsFailedError` when one dies too often."""
        now = time.monotonic()
        for life in self.lives:
            if life.start_at is not None:
                if now >= life.start_at:
                    self._start_again(life)
            elif (code := life.part.exit_code()) is not None:
                self._mourn(life, f"ended by itself ({_meaning(code)})")

    def stop(self) -> None:
        """Stop everything, the last started first; programs of the project side by side."""
        for life in self.lives:
            if isinstance(life.part, Command):
                life.part.ask_to_stop()
        for life in reversed(self.lives):
            life.part.stop()
        self.lives.clear()

    def _start_again(self, life: Life) -> None:
        life.start_at = None
        try:
            life.part.start()
        except EmbeddedError as error:
            self._mourn(life, str(error))
        else:
            self.say(f"{life.part.name} runs again")

    def _mourn(self, life: Life, why: str) -> None:
        pause = life.died(time.monotonic())
        if len(life.deaths) > DEATHS_A_MINUTE:
            raise PartsFailedError(
                f"{life.part.name} {why}, for the {len(life.deaths)}th time within a minute. Its last words:\n"
                f"{life.part.last_words()}"
            )
        self.say(f"{life.part.name} {why}; starting it again in {pause:g} s")


class Printer:
    """Lines from several threads, one at a time, through one thread that a slow terminal may hold up."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._print, daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        self._lines.put(line)

    def close(self) -> None:
        """Print what waits, then end."""
        self._lines.put(None)
        self._thread.join(2)

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except OSError:
                return  # nobody reads any more


def _meaning(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
