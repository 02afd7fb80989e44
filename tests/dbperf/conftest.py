"""One database for all tests of dbperf: empty but for its own tables, and other tests' faults are never in it."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from dbperf.connections import Database
from tests import scratch


@pytest.fixture(scope="package", params=scratch.servers())
def database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """On the run's own server, then on each other PostgreSQL found."""
    with django_db_blocker.unblock(), scratch.database_on(request.param, "dbperf") as alias:
        scratch.migrate(alias, "dbperf")
        yield Database(alias)
