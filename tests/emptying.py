"""What a test committed is gone after it: rows are deleted where some are, and what migrations wrote is left alone.

Django would truncate every table, most of which are empty (a new file for each and for each of its indexes), and then
write permissions, functions and the clock's jobs again as after a migration.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import TransactionTestCase
from psycopg import sql

from tests import services

AGAIN = 5  # tries
LARGE = 4_194_304  # bytes; where tables are larger truncating is faster, and what was deleted has piled up
KEPT = "django_migrations"
USED = """
    SELECT c.relname, pg_relation_size(c.oid) FROM pg_class c
    WHERE c.oid = ANY (%s::regclass[]) AND pg_relation_size(c.oid) > 0 ORDER BY 1"""

POINTED_TO = """
    SELECT c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
    WHERE k.contype = 'f' AND k.conrelid = ANY (%s::regclass[])"""


class Emptying:
    """Of the run's own test database. By a superuser's session, in which no foreign key is looked at: all that points
    to a row goes with it."""

    def __init__(self) -> None:
        self._session = services.STARTED[0]._admin(str(connection.settings_dict["NAME"]))
        self._session.execute("SET session_replication_role = replica")
        self._session.execute("SET lock_timeout = '60s'")
        names = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        written = {KEPT, *filter(self._has_rows, (name for name, _ in self._used(names)))}
        self._left = written | self._pointed_to(written)  # or those could not be truncated
        self._names = names - self._left
        self._before = self._as_left()

    def __call__(self) -> bool:
        """Whether all is as it was before the test; not where somebody changed what migrations wrote."""
        for attempt in range(AGAIN):
            try:
                self._empty()
                break
            except psycopg.errors.DeadlockDetected:  # a server at work was in the way
                if attempt + 1 == AGAIN:
                    raise
        return self._as_left() == self._before

    def note(self) -> None:
        """What migrations wrote is there again, under other ids."""
        self._before = self._as_left()

    def close(self) -> None:
        self._session.close()

    def _empty(self) -> None:
        with self._session.transaction():
            self._run("LOCK TABLE {} IN EXCLUSIVE MODE", self._names)
            used = dict(self._used(self._names))
            if sum(used.values()) > LARGE:
                self._run("TRUNCATE {}", self._names)
            else:
                for name in used:
                    self._run("DELETE FROM {}", {name})

    def _run(self, statement: str, names: set[str]) -> None:
        tables = sql.SQL(", ").join(map(sql.Identifier, sorted(names)))
        self._session.execute(sql.SQL(statement).format(tables))

    def _used(self, names: set[str]) -> list[tuple[str, int]]:
        found: list[Any] = self._session.execute(USED, [sorted(names)]).fetchall()
        return found

    def _has_rows(self, name: str) -> bool:
        found = self._session.execute(sql.SQL("SELECT EXISTS (TABLE {})").format(sql.Identifier(name)))
        return found.fetchone() == (True,)

    def _pointed_to(self, names: set[str]) -> set[str]:
        found: list[Any] = self._session.execute(POINTED_TO, [sorted(names)]).fetchall()
        return {name for (name,) in found}

    def _as_left(self) -> list[tuple[object, ...]]:
        row = "SELECT {}, md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t"
        parts = [sql.SQL(row).format(sql.Literal(name), sql.Identifier(name)) for name in sorted(self._left)]
        return self._session.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()


@contextmanager
def instead_of_flush() -> Iterator[None]:
    """Meanwhile tests that commit leave the database by this way. An outside server knows no superuser: there it stays
    Django's."""
    if not services.STARTED:
        yield
        return
    empty = Emptying()
    usual = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    own = connection.settings_dict["NAME"]

    def teardown(self: TransactionTestCase) -> None:
        connections.close_all()
        names = {connections[alias].settings_dict["NAME"] for alias in self._databases_names()}  # type: ignore[attr-defined]
        if names != {own} or not empty():
            usual(self)
            empty.note()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield
    empty.close()
