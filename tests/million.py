"""A year of a million messages on a PostgreSQL of its own, made in a minute and kept for the next run.

It lies in a directory for temporary files, under a name that says what the data came of, and is a week old at most; who
finds it in use makes one for this run.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chatbackend.benchmark.data import fill
from chatbackend.benchmark.kept import kept_name
from chatbackend.embedded import binaries
from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.state import claim
from tests import scratch, services

MESSAGES = 1_000_000
FULL = "full"  # a file that is there once everything is


@dataclass
class Hasty(Postgres):
    """Writes no log of what is written in bulk, and has room for it."""

    throwaway: bool = True

    def _parameters(self) -> dict[str, str]:
        bulk = {
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "autovacuum": "off",
            "shared_buffers": "256MB",
        }
        return super()._parameters() | bulk


@contextmanager
def million(alias: str) -> Iterator[str]:
    """Known to Django as `alias`. Needs pytest-django's leave to reach databases."""
    with _kept() as state, _running(state) as server, scratch.known(alias, scratch.place(server)):
        scratch.migrate(alias)  # what is kept may be older than a function
        if not (state / FULL).exists():
            fill(messages=MESSAGES, using=alias)
            (state / FULL).touch()
        yield alias


@contextmanager
def _kept() -> Iterator[Path]:
    """The directory, in which nobody else is."""
    home = _home()
    state = home / f"{kept_name(MESSAGES)}_{binaries.major_version(binaries.postgres_bin())}"
    try:
        lock = claim(state)
    except EmbeddedError:
        yield services.folder()
        return
    with lock:
        for older in home.iterdir():
            _forget(older)
        yield state


def _home() -> Path:
    """Ours alone: others could put a database of theirs there."""
    home = Path("/tmp" if os.geteuid() == 0 else tempfile.gettempdir()) / f"chatbackend-kept-{os.geteuid()}"
    home.mkdir(mode=0o711, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.geteuid() or home.stat().st_mode & 0o022:
        return services.folder()
    return home


def _forget(older: Path) -> None:
    """Unless somebody is in it."""
    with suppress(EmbeddedError), claim(older):
        shutil.rmtree(older)


@contextmanager
def _running(state: Path) -> Iterator[Postgres]:
    try:
        server = _started(state)
    except EmbeddedError:  # the machine went down while it ran
        shutil.rmtree(state / "postgres", ignore_errors=True)
        (state / FULL).unlink(missing_ok=True)
        server = _started(state)
    try:
        yield server
    finally:
        server.stop()


def _started(state: Path) -> Postgres:
    server = Hasty(state)
    server.start()
    return server
