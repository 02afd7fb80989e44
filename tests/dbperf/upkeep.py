"""Rounds of maintenance on the database of these tests, and what goes on meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections

from dbperf.aliases import EXPLAIN
from dbperf.connections import Database
from dbperf.maintenance.choosing import Operation
from dbperf.maintenance.working import Result
from dbperf.models import MaintenanceRun
from dbperf.services import maintaining
from tests.dbperf.faults import session, until

VACUUM = Operation.VACUUM_ANALYZE
REINDEX = Operation.REINDEX
needs_the_login = pytest.mark.skipif(
    EXPLAIN not in connections.settings, reason="an outside server without TEST_EXPLAIN_URL"
)


def maintained(database: Database, *names: str, operation: Operation = VACUUM) -> MaintenanceRun:
    """A round over these tables, or what is due."""
    begun = maintaining.begin(operation, asked=names, by="somebody", store=database.alias, database=database)
    done = maintaining.carry_out(begun.pk, store=database.alias, database=database)
    assert done is not None
    return MaintenanceRun.objects.using(database.alias).get(pk=done.pk)


def of(done: MaintenanceRun, table: str = "fault.t") -> Result:
    """What came of a table."""
    (found,) = [Result(**each) for each in done.results if each["table"] == table]
    return found


def due(database: Database, operation: Operation = VACUUM) -> dict[str, str]:
    """Table → why."""
    return {one.title: one.why for one in maintaining.plan(operation, database=database)}


def stop(database: Database) -> None:
    """Cancels the round that is under way."""
    active = MaintenanceRun.objects.using(database.alias).get(active=True)
    maintaining.cancel(active.pk, store=database.alias)


@contextmanager
def meanwhile(
    database: Database, work: Callable[[psycopg.Connection[Any]], object], *, phase: str = ""
) -> Iterator[None]:
    """Has a session of its own do something as soon as PostgreSQL is at the table; what goes wrong there, shows."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(_when_at_it, database, work, phase)
        yield
        done.result(timeout=60)


def _when_at_it(database: Database, work: Callable[[psycopg.Connection[Any]], object], phase: str) -> None:
    try:
        with session(database) as other:
            other.autocommit = True
            until(lambda: phases(other).startswith(phase or ("scan", "vacuum")))
            work(other)
    finally:
        connections.close_all()  # of this thread


def phases(other: psycopg.Connection[Any]) -> str:
    """What VACUUM or REINDEX is at, or nothing."""
    found = other.execute(
        "SELECT phase FROM pg_stat_progress_vacuum WHERE datname = current_database() UNION ALL"
        " SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()"
    ).fetchone()
    return str(found[0]) if found else ""


def ended(other: psycopg.Connection[Any], pid: int) -> bool:
    """Whether a session is there no longer."""
    return other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None
