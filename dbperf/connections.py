"""How the database is asked about itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from dbperf.aliases import DEFAULT, MONITOR

Row = dict[str, Any]


class Unavailable(Exception):
    """PostgreSQL would not tell: no privilege, a lock that did not go away, a view that is not there."""

    def __init__(self, error: Error) -> None:
        self.sqlstate: str = getattr(error.__cause__, "sqlstate", None) or ""
        super().__init__(
            REASONS.get(self.sqlstate, f"PostgreSQL refused (SQLSTATE {self.sqlstate or 'unknown'})")
        )


REASONS: Final = {
    "42501": "the monitoring role has no privilege for this; `manage.py db_setup` says which",
    "55P03": "a table stayed locked for a second",
    "57014": "the statistics took longer than five seconds to read",
    "42P01": "the view is not there; the extension may be missing",
    "55000": "the extension is not loaded; shared_preload_libraries needs it",
}


def alias_for(purpose: str) -> str:
    """The alias for `monitor`, `maintenance` or `dbperf_explain`, or `default` where the project has none."""
    return purpose if purpose in connections.settings else DEFAULT


@dataclass(frozen=True)
class Database:
    """A database that is asked about itself, over one alias. All statements of `catalog` go through here."""

    alias: str

    @property
    def connection(self) -> BaseDatabaseWrapper:
        return connections[self.alias]

    @property
    def version(self) -> int:
        """The major version, 15 for 15.20."""
        connection: Any = self.connection
        return int(connection.pg_version) // 10_000

    def rows(self, statement: Any, parameters: Sequence[Any] | None = None) -> list[Row]:
        """What a statement returns, a dict for each row. Raises `Unavailable`."""
        with self._told(), self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(self, statement: Any, parameters: Sequence[Any] | None = None) -> Row:
        """The only row of a statement that always has one. Raises `Unavailable`."""
        return self.rows(statement, parameters)[0]

    def run(self, statement: Any) -> None:
        """A statement that returns nothing. Raises `Unavailable`."""
        with self._told(), self.connection.cursor() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            if getattr(error.__cause__, "sqlstate", None) is None:
                raise  # no answer at all: the database is out of reach, which is another matter
            raise Unavailable(error) from error


def monitor() -> Database:
    """The database of the project, over the connection for statistics."""
    return Database(alias_for(MONITOR))
