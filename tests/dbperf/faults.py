"""Small faults for the checks to find: tables of their own in the schema `fault`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from dbperf import checks
from dbperf.connections import Database
from dbperf.findings import Finding
from tests import services


def run(database: Database, *statements: str) -> None:
    """Each in a transaction of its own; what was counted meanwhile can be read afterwards."""
    with database.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")


def findings(database: Database, check: str) -> list[Finding]:
    """What one check says of the tables in `fault`, and of what is no table."""
    outcome = checks.run(checks.context(database, store=database.alias), [check])
    assert outcome.skipped == []
    assert all(finding.check == check for finding in outcome.findings)
    return outcome.findings


def subjects(database: Database, check: str) -> list[str]:
    return [finding.subject for finding in findings(database, check)]


@contextmanager
def session(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """Another session of the same database, in which nothing is committed by itself."""
    connection: Any = database.connection
    parameters = {**connection.get_connection_params(), "application_name": "somebody"}
    for name in ("cursor_factory", "context", "prepare_threshold", "pool"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters) as other:
        try:
            yield other
        finally:
            other.rollback()


@contextmanager
def superuser(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's session on the server, on which each statement is committed; not on an outside one."""
    port = int(database.connection.settings_dict["PORT"] or 0)
    servers = [server for server in services.EVERY if server.port == port]
    if not servers:
        pytest.skip("needs a superuser")
    with servers[0]._admin() as session:
        yield session


def until(true: Callable[[], bool]) -> None:
    """Waits for it, for half a minute at most."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
