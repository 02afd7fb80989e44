"""One database for all tests of dbperf: empty but for its own tables, and other tests' faults are never in it."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from dbperf.connections import Database
from tests import scratch
from tests.dbperf import faults


@pytest.fixture(scope="package", params=scratch.servers())
def database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """On the run's own server, then on each other PostgreSQL found."""
    with django_db_blocker.unblock(), scratch.database_on(request.param, "dbperf") as alias:
        scratch.migrate(alias, "dbperf")
        yield Database(alias)


@pytest.fixture
def faulty(database: Database) -> Iterator[Database]:
    """Unqualified names lead into the schema `fault`, which is gone afterwards."""
    faults.run(
        database,
        "DROP SCHEMA IF EXISTS fault CASCADE",
        "CREATE SCHEMA fault",
        "SET search_path TO fault, public",
    )
    yield database
    faults.run(database, "RESET search_path", "DROP SCHEMA fault CASCADE")
