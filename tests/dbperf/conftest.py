"""One database for all tests of dbperf: empty but for its own tables, and other tests' faults are never in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from pytest_django import DjangoDbBlocker

from dbperf.connections import Database
from dbperf.models import MaintenanceRun
from tests import scratch
from tests.dbperf import faults

Templates = Callable[[str], str]


@pytest.fixture(scope="session")
def templates(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Templates]:
    """The name of a migrated database of each server, made when it is first asked for: processes that share the tests
    take them file by file, and each file goes through all servers."""
    with ExitStack() as stack:

        @cache
        def template(server: str) -> str:
            made = stack.enter_context(scratch.made_on(server, "dbperf_template"))
            with scratch.known("dbperf", made) as alias:
                scratch.migrate(alias, "dbperf")
            return str(made.own["NAME"])

        yield template
        with django_db_blocker.unblock():
            stack.close()


@pytest.fixture(scope="package", params=scratch.servers())
def database(
    templates: Templates, django_db_blocker: DjangoDbBlocker, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """On the run's own server, then on each other PostgreSQL found."""
    with django_db_blocker.unblock():
        like = templates(request.param)
        with scratch.made_on(request.param, "dbperf", like=like) as place, scratch.known("dbperf", place):
            yield Database("dbperf")


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


@pytest.fixture
def worn(faulty: Database) -> Iterator[Database]:
    """A table `fault.t` of 1,000 rows, 900 of them dead; nothing was ever maintained."""
    MaintenanceRun.objects.using(faulty.alias).all().delete()
    faults.run(
        faulty,
        "CREATE TABLE t (a int, b text) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series(1, 1000) g",
        "DELETE FROM t WHERE a > 100",
    )
    yield faulty
    MaintenanceRun.objects.using(faulty.alias).all().delete()


@pytest.fixture
def slow(worn: Database) -> Iterator[Database]:
    """VACUUM of `fault.t` takes minutes."""
    faults.run(
        worn,
        "INSERT INTO t SELECT g, repeat('y', 500) FROM generate_series(1, 20000) g",
        "DELETE FROM t WHERE a % 2 = 0",
        "SET vacuum_cost_delay = 100",
        "SET vacuum_cost_limit = 1",
    )
    yield worn
    faults.run(worn, "RESET vacuum_cost_delay", "RESET vacuum_cost_limit")
