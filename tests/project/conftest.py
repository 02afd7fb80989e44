"""Servers that a test may stop."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.redis import Redis


@pytest.fixture
def state() -> Iterator[Path]:
    """An empty directory that root's PostgreSQL can reach too."""
    directory = Path(tempfile.mkdtemp(prefix="chat backend ", dir="/tmp" if os.geteuid() == 0 else None))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def own_postgres(state: Path) -> Iterator[Postgres]:
    """A PostgreSQL of this test alone."""
    server = Postgres(state, throwaway=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis(state: Path) -> Iterator[Redis]:
    """A Redis of this test alone."""
    server = Redis(state)
    server.start()
    yield server
    server.stop()
