"""Two servers to ask from outside: one with everything, and one that finds neither PostgreSQL nor Redis."""

import secrets
from collections.abc import Iterator

import httpx
import pytest

from tests import services
from tests.integration.person import Person
from tests.server import Server

FRONT = "https://app.example.org"


@pytest.fixture(scope="session")
def lonely_server(static_files: None) -> Iterator[Server]:
    """A real server process without PostgreSQL and Redis."""
    server = Server(database="", settings={**services.nowhere(), "CORS_ALLOWED_ORIGINS": FRONT})
    server.start()
    yield server
    server.stop()
    server.log.unlink(missing_ok=True)


@pytest.fixture
def lonely(lonely_server: Server) -> Iterator[httpx.Client]:
    """Asks it."""
    with httpx.Client(base_url=lonely_server.base_url, timeout=10) as client:
        yield client


class People(dict[str, Person]):
    """Those a test asks for by name; they register and sign in over REST, as client programs do."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __missing__(self, name: str) -> Person:
        self[name] = Person(self._server, f"{name}-{secrets.token_hex(3)}")
        return self[name]


@pytest.fixture
def people(daphne: Server) -> Iterator[People]:
    """Nobody yet."""
    there = People(daphne)
    yield there
    for person in there.values():
        person.close()
