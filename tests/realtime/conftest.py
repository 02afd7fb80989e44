"""People and sockets."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatbackend.embedded.redis import Redis
from conversations.models import User
from tests import factories
from tests.realtime.client import Client, token_of
from tests.server import Server

Join = Callable[..., Client]


@pytest.fixture(scope="session")
def other_process(daphne_process: Server) -> Iterator[Server]:
    """A second server process on the same PostgreSQL and Redis; tests take `other`."""
    server = Server(database=daphne_process.database)
    yield server
    server.stop()
    server.log.unlink(missing_ok=True)


@pytest.fixture
def other(daphne: Server, other_process: Server) -> Server:
    """The second server process, running."""
    other_process.ensure()
    return other_process


@pytest.fixture
def alice(transactional_db: None) -> User:
    """Somebody."""
    return factories.person("alice", display_name="Alice")


@pytest.fixture
def bob(transactional_db: None) -> User:
    """Somebody else."""
    return factories.person("bob", display_name="Bob")


@pytest.fixture
def join(daphne: Server) -> Iterator[Join]:
    """Opens a socket of a person, after `hello` (kept as `client.hello`), at the test's Daphne or another server.

    `past`: says nothing yet, so that it may ask for its past.
    """
    with ExitStack() as stack:

        def opened(
            user: User, *, at: Server = daphne, access: str = "", past: bool = False, **options: Any
        ) -> Client:
            client = stack.enter_context(Client(at.ws_url, token=access or token_of(user), **options))
            client.log = at.log
            client.hello = client.hear("hello")
            if not past:  # then what is live need not wait for it
                client.say(op="ping")
                client.hear("pong")
            return client

        yield opened


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    """A Redis that a test may stop."""
    with a_redis() as server:
        yield server


@contextmanager
def a_redis() -> Iterator[Redis]:
    """Beside the run's own."""
    state = Path(tempfile.mkdtemp(prefix="redis-"))
    server = Redis(state)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(state, ignore_errors=True)
