"""What the statements of a call cost by themselves: prepared, through psycopg, on one connection, without Django."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from django.db import connection, transaction

from chatbackend.benchmark.queries.asking import BULK, CONTENT, Ask
from conversations.queries import inbox
from conversations.queries.routine import Routine
from messaging.queries import changes, history, search, writing

_CALL = re.compile(r"SELECT \* FROM (\w+)\(")
_ROUTINES: Mapping[str, Routine] = {
    routine.function: routine
    for module in (inbox, history, changes, search, writing)
    for routine in module.ROUTINES
}
_COPY = """COPY messages (conversation_id, seq, version, created_version, sender_id, type, content, metadata, mentions,
    reply_count, client_id, sent_at) FROM STDIN"""
_FAR = count(10**12)  # places that no conversation reaches


@dataclass(frozen=True, slots=True)
class Statement:
    """What Django was asked to run."""

    sql: str
    params: Any


def seen(call: Callable[[], object]) -> list[Statement]:
    """The statements of a call, savepoints aside. Nothing it writes stays."""
    found: list[Statement] = []

    def keep(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not str(sql).startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            found.append(Statement(str(sql), params))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(keep):
        call()
        transaction.set_rollback(True)
    return found


def bare(statement: Statement) -> Statement:
    """A routine's own statement instead of the call of its function."""
    if found := _CALL.match(statement.sql):
        return Statement(_ROUTINES[found[1]].plain, statement.params)
    return statement


def prepared(raw: psycopg.Connection[Any], statements: Sequence[Statement]) -> Callable[[], object]:
    """Runs them in turn."""

    def run() -> None:
        for statement in statements:
            raw.execute(statement.sql, statement.params, prepare=True).fetchall()

    return run


def copied(raw: psycopg.Connection[Any], ask: Ask) -> Callable[[], object]:
    """As many messages by COPY into the same table, with all its indexes; no events, no counters."""

    def run() -> None:
        with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
            for _ in range(BULK):
                place = next(_FAR)
                values: tuple[Any, ...] = (
                    place,
                    place,
                    place,
                    ask.user,
                    "text",
                    CONTENT,
                    "{}",
                    [],
                    0,
                    f"copy-{place}",
                )
                copy.write_row((ask.conversation, *values, "2026-01-01T00:00:00Z"))

    return run
