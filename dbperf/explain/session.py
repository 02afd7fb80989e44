"""One plan, in a session of its own that is closed afterwards whatever happened: nothing that a statement might leave
behind (an advisory lock, a setting) outlives it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from django.db import connections
from psycopg import sql

from dbperf.explain.refusals import NotHere, Refused

LOCK: Final = 0x64627065  # "dbpe": one plan at a time in a database
PARTS: Final = ("cursor_factory", "context", "prepare_threshold", "pool")  # Django's own, not libpq's
LOCAL: Final = {
    "statement_timeout": "5s",
    "lock_timeout": "500ms",
    "idle_in_transaction_session_timeout": "10s",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "16MB",
    "jit": "off",
}
CLASSES: Final = {
    "08": "the connection broke",
    "0A": "PostgreSQL does not support this",
    "22": "a value does not fit",
    "25": "the transaction does not allow it",
    "42": "a name, a type or a privilege is wrong or missing",
    "53": "PostgreSQL is short of resources",
    "54": "the statement is too complex",
    "55": "a lock or a state is in the way",
    "57": "PostgreSQL ended the statement",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to explain. `arguments` are texts, each taken as what its place needs. A `generic` plan is the one for any
    arguments; `analyze` runs the statement."""

    statement: str
    arguments: Sequence[str | None] = ()
    generic: bool = False
    analyze: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


class Session:
    """A read-only transaction of its own."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, statement: sql.Composable | str, values: Sequence[Any] | None = None) -> list[Any]:
        """By the extended protocol, which takes one statement and no more. Raises `Refused` without a word of the
        server's: an error's text can hold a row."""
        try:
            cursor = self._connection.execute(statement, values, prepare=True)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise _refused(error.sqlstate or "") from None

    def set(self, settings: Mapping[str, str]) -> None:
        """Until the end of the transaction."""
        names, values = list(settings), list(settings.values())
        self.rows(
            "SELECT set_config(n, v, true) FROM unnest(%s::text[], %s::text[]) AS s (n, v)", [names, values]
        )

    def plan(self, order: Order) -> Any:
        """The plan, as PostgreSQL's JSON. Raises `Refused`."""
        mode = "force_generic_plan" if order.generic else "force_custom_plan"
        self.set({**order.settings, "plan_cache_mode": mode})
        self.rows(sql.SQL("PREPARE asked AS ") + sql.SQL(order.statement))
        options = sql.SQL("ANALYZE, BUFFERS, FORMAT JSON" if order.analyze else "FORMAT JSON")
        given = sql.SQL(", ").join(sql.Literal(value) for value in order.arguments)
        call = sql.SQL("({})").format(given) if order.arguments else sql.SQL("")
        return self.rows(sql.SQL("EXPLAIN ({}) EXECUTE asked{}").format(options, call))[0][0][0]


@contextmanager
def session(alias: str) -> Iterator[Session]:
    """As the login of an alias, past any pool. One at a time: raises `NotHere` for the second."""
    known: Any = connections[alias]
    parameters = {name: value for name, value in known.get_connection_params().items() if name not in PARTS}
    with known.wrap_database_errors:
        connection = psycopg.connect(**{**parameters, "application_name": "dbperf-explain"}, autocommit=True)
    try:
        opened = Session(connection)
        opened.rows("BEGIN READ ONLY")
        opened.set(LOCAL)
        if not opened.rows("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])[0][0]:
            raise NotHere("explain_busy", "Another plan is being made; one at a time.")
        yield opened
    finally:
        _end(connection)


def _end(connection: psycopg.Connection[Any]) -> None:
    """What is not undone by ROLLBACK is gone before the connection is, and not some moment after."""
    try:
        connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")
    except psycopg.Error:
        pass  # the server has ended the session already
    finally:
        connection.close()


def _refused(sqlstate: str) -> Refused:
    if sqlstate == "57014":
        return Refused("too_slow", "It took longer than five seconds, and was stopped.")
    if sqlstate == "55P03":
        return Refused("locked", "A table stayed locked for half a second.")
    why = CLASSES.get(sqlstate[:2], "PostgreSQL refused it")
    return Refused("sql_failed", f"SQLSTATE {sqlstate or 'unknown'}: {why}.")
