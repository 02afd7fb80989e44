"""Services of the run, before Django's settings are read; then what every test may use."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pytest_django import DjangoDbBlocker

from tests import services
from tests.server import ROOT, Server

for _name in services.FORGET:
    os.environ.pop(_name, None)
os.environ.update(services.start())
os.environ["DJANGO_SETTINGS_MODULE"] = "chatbackend.settings"

import django

django.setup()
if services.DIVIDING:  # or its workers would read the settings before they have services
    del os.environ["DJANGO_SETTINGS_MODULE"]

from django.conf import settings
from django.db import OperationalError, connection, connections
from django.db.backends.postgresql.operations import DatabaseOperations

from dbperf.aliases import EXPLAIN, MAINTENANCE, MONITOR
from tests import emptying, templates

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if template := os.environ.get(
    "TEST_TEMPLATE"
):  # on an outside server: a database with all tables, to be copied
    connection.settings_dict["TEST"]["TEMPLATE"] = template


def _flush(self: DatabaseOperations, sql_list: list[str]) -> None:
    """Empties the tables after a test, again where a server at work was in the way: its sweep and its presence go on,
    and PostgreSQL may choose the emptying as the victim of a deadlock."""
    for attempt in range(FLUSHES):
        try:
            return _execute_sql_flush(self, sql_list)
        except OperationalError:
            if attempt + 1 == FLUSHES:
                raise
    return None


FLUSHES = 5
_execute_sql_flush = DatabaseOperations.execute_sql_flush
DatabaseOperations.execute_sql_flush = _flush  # type: ignore[method-assign, assignment]


NEEDS_SERVICES = {"django_db_setup", "db", "transactional_db", "own_postgres", "own_redis"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With TEST_SERVICES=off tests that need a database or Redis are left out, and say so."""
    if services.ABSENT:
        for item in items:
            if NEEDS_SERVICES & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL and Redis: make test"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if IN_CI and session.exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if IN_CI and (skipped := _skipped(config)):
        terminalreporter.write_line(f"CI: {skipped} skipped, and a skip counts as a failure there", red=True)


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter else 0


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, also by the other aliases: Django takes along only those that some test names."""
    for alias in {MONITOR, MAINTENANCE, EXPLAIN} & connections.settings.keys():
        connections[alias].close()
        connections.settings[alias]["NAME"] = connection.settings_dict["NAME"]
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            if (
                connection.introspection.table_names()
            ):  # Django makes the database only where a test asks for it
                templates.make()
                stack.enter_context(emptying.instead_of_flush())
        yield


@pytest.fixture(scope="session")
def static_files() -> None:
    """Static files as production serves them: collected, hashed, compressed."""
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"], cwd=ROOT, check=True
    )


@pytest.fixture(scope="session")
def daphne_process(django_db_setup: None, static_files: None) -> Iterator[Server]:
    """The one server process of the run; tests take `daphne`."""
    server = Server(database=str(connection.settings_dict["NAME"]))
    yield server
    server.stop()
    server.log.unlink(missing_ok=True)


@pytest.fixture
def daphne(transactional_db: None, daphne_process: Server) -> Server:
    """A real Daphne, running, on the database that this test's own code uses too."""
    daphne_process.ensure()
    daphne_process.turn_page()
    return daphne_process
