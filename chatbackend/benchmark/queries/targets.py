"""One query one way, ready to be timed."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from chatbackend.benchmark.queries.limit import Statement
from chatbackend.embedded.binaries import postgres_bin
from chatbackend.embedded.errors import EmbeddedError

WARM = 7  # calls after which PostgreSQL keeps one plan for all
SENDS_PER_S = 300  # of pgbench, about; it is told a number of transactions and no time
Call = Callable[[], object]


class Target(Protocol):
    """`buffers`: how many pages the first call touches, None where that cannot be told."""

    @property
    def buffers(self) -> int | None: ...

    def warm(self) -> None:
        """Until it is as it will stay."""

    def timed(self, seconds: float) -> list[float]:
        """How long each of one or more calls took, in ms."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of this process with different values, in turn. `at`: through another connection than the usual one."""

    calls: Sequence[Call]
    buffers: int | None
    at: BaseDatabaseWrapper | None = None
    warmed: int = WARM
    _turn: Iterator[Call] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_turn", cycle(self.calls))

    def warm(self) -> None:
        with through(self.at):
            for _ in range(self.warmed):
                next(self._turn)()

    def timed(self, seconds: float) -> list[float]:
        taken: list[float] = []
        with through(self.at):
            end = time.perf_counter() + seconds
            while not taken or time.perf_counter() < end:
                began = time.perf_counter()
                next(self._turn)()
                taken.append((time.perf_counter() - began) * 1000)
        return taken


@contextmanager
def through(wrapper: BaseDatabaseWrapper | None) -> Iterator[None]:
    """For a while everything goes through this connection."""
    usual = connections["default"]
    connections["default"] = wrapper or usual
    try:
        yield
    finally:
        connections["default"] = usual


@dataclass(frozen=True, slots=True)
class Pgbench:
    """Transactions by PostgreSQL's own bench, one client: nothing of Python in between."""

    program: Path
    url: str
    scripts: Sequence[str]
    buffers: int | None

    def warm(self) -> None:
        self.timed(WARM / SENDS_PER_S)

    def timed(self, seconds: float) -> list[float]:
        with tempfile.TemporaryDirectory(prefix="pgbench-") as directory:
            files = [self._file(Path(directory), place, text) for place, text in enumerate(self.scripts)]
            number = max(1, round(seconds * SENDS_PER_S))
            options = [
                "--no-vacuum",
                "--protocol=prepared",
                "--client=1",
                f"--transactions={number}",
                "--log",
            ]
            finished = subprocess.run(
                [self.program, *options, *(f"--file={file}" for file in files)],
                env=_login(self.url),
                cwd=directory,
                capture_output=True,
                text=True,
                check=False,
            )
            if finished.returncode:
                raise OSError(f"pgbench: {finished.stderr}")
            return [
                int(line.split()[2]) / 1000
                for log in Path(directory).glob("pgbench_log.*")
                for line in log.read_text().splitlines()
            ]

    def _file(self, directory: Path, place: int, text: str) -> Path:
        file = directory / f"{place}.sql"
        file.write_text(text)
        return file


_LITERAL = re.compile(r"(E?)'((?:[^']|'')*)'")


def script(raw: psycopg.Connection[object], statements: Sequence[Statement]) -> str:
    """A transaction as pgbench reads it, with its values written out."""
    cursor = psycopg.ClientCursor(raw)
    lines = [_LITERAL.sub(_without_colons, cursor.mogrify(one.sql, one.params).strip()) for one in statements]
    return ";\n".join(["BEGIN", *lines, "COMMIT", ""])


def _without_colons(literal: re.Match[str]) -> str:
    """pgbench takes a colon for the beginning of a variable's name, in strings too."""
    escaping, text = literal.groups()
    if ":" not in text:
        return literal[0]
    plain = text if escaping else text.replace("\\", "\\\\")
    return "E'" + plain.replace(":", "\\x3a") + "'"


def pgbench() -> Path | None:
    """The program, where it is at hand."""
    try:
        program = postgres_bin() / "pgbench"
    except EmbeddedError:
        return None
    return program if os.access(program, os.X_OK) else None


def _login(url: str) -> dict[str, str]:
    """As libpq reads it from the environment: a password has no place among arguments, which everybody can see."""
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": parts.username and unquote(parts.username),
        "PGPASSWORD": parts.password and unquote(parts.password),
        "PGDATABASE": parts.path.lstrip("/"),
    }
    return {**os.environ, **{name: value for name, value in given.items() if value}}
