"""One table: the statement, and an honest account of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from django.db import Error
from psycopg import sql

from dbperf.catalog import upkeep
from dbperf.connections import Database, Row, Unavailable
from dbperf.maintenance.choosing import Cause, Chosen, Operation
from dbperf.maintenance.rebuilding import Rebuilding
from dbperf.maintenance.watch import Ask, Tell, Unwatched, Watch

VACUUM = "VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE FALSE, PARALLEL 0) {}"
FREEZE = "VACUUM (FREEZE, ANALYZE, SKIP_LOCKED, TRUNCATE FALSE, PARALLEL 0) {}"
ANALYZE = "ANALYZE (SKIP_LOCKED) {}"
ANALYZE_WHOLE = "ANALYZE (SKIP_LOCKED) ONLY {}"  # PostgreSQL 18; before, the partitions are taken in
GONE = "it was dropped meanwhile"

REASONS: Final = {
    "25006": "the server takes no writes: it is a replica",
    "40P01": "it stood in a circle with others that waited for each other",
    "42501": "the connection's role may not: the table is another's",
    "42P01": GONE,
    "53100": "the disk is full",
    "55P03": "others held a lock on it for too long",
    "57014": "somebody cancelled it, or statement_timeout did",
    "57P01": "somebody ended its session",
}
LEFT_ALONE: Final = {"42501", "42P01"}


class Gone(Exception):
    """The table is there no longer."""


@dataclass(slots=True)
class Result:
    """What came of one table. `outcome`: done, skipped, stopped or failed; `why` it was its turn; `note`: the rest.
    Dead rows are None where nobody knows: PostgreSQL counts them when it is through."""

    table: str
    why: str
    outcome: str = "done"
    note: str = ""
    took_s: float = 0.0
    dead_before: int | None = None
    dead_after: int | None = None
    cause: str = Cause.ASKED


def treat(database: Database, one: Chosen, operation: Operation, *, ask: Ask, tell: Tell) -> Result:
    """Does it, and looks whether it was done: PostgreSQL calls it a success, with a warning, where it did nothing.
    Whatever goes wrong is in the result."""
    result = Result(one.title, one.why, cause=one.cause)
    if one.skip:
        result.outcome, result.note = "skipped", one.skip
        return result
    began, watch = monotonic(), Watch(database, ask, tell)
    try:
        _do(database, one, operation, watch, result)
    except Unwatched:
        result.outcome, result.note = "failed", "it could not be watched, and was not begun"
    except Gone:
        result.outcome, result.note = "skipped", GONE
    except (Unavailable, Error) as error:
        result.outcome, why = ended(error, watch.reason)
        result.note = "; ".join(filter(None, (why, result.note)))
    result.took_s = round(monotonic() - began, 3)
    return result


def _do(database: Database, one: Chosen, operation: Operation, watch: Watch, result: Result) -> None:
    before = _state(database, one)
    result.dead_before = before["dead"]
    if operation is Operation.REINDEX:
        _rebuild(database, one, watch, result)
        result.dead_after = _state(database, one)["dead"]
        return
    warned = _clean(database, one, operation, watch)
    after = _state(database, one)
    result.dead_after = after["dead"]
    vacuumed = operation is Operation.VACUUM_ANALYZE and not one.parent
    column = "last_vacuum" if vacuumed else "last_analyze"
    if after[column] == before[column]:
        result.outcome = "skipped"
        result.note = "; ".join(warned) or "PostgreSQL did not do it and did not say why"
    elif vacuumed and _to_no_end(one, before, after):
        result.note = _held(database)


def _state(database: Database, one: Chosen) -> Row:
    found = upkeep.treated(database, one.oid)
    if found is None:
        raise Gone
    return found


def _rebuild(database: Database, one: Chosen, watch: Watch, result: Result) -> None:
    """What broke off is cleared away after the watch: it would be cancelled as well."""
    work = Rebuilding(database, one)
    try:
        with watch.on():
            work.carry_out()
    except Unavailable:
        work.clear()
        raise
    finally:
        result.note = work.note
    result.outcome = "done" if work.done else "skipped"


def _clean(database: Database, one: Chosen, operation: Operation, watch: Watch) -> list[str]:
    table = sql.SQL("{}.{}").format(sql.Identifier(one.schema), sql.Identifier(one.name))
    with watch.on(), _warnings(database) as warned:
        database.run(sql.SQL(_statement(database, one, operation)).format(table))
    return warned


def _statement(database: Database, one: Chosen, operation: Operation) -> str:
    if one.parent:
        return ANALYZE_WHOLE if database.version >= 18 else ANALYZE
    if operation is Operation.ANALYZE:
        return ANALYZE
    return FREEZE if one.aged else VACUUM


@contextmanager
def _warnings(database: Database) -> Iterator[list[str]]:
    """What PostgreSQL says beside: why it skipped a table."""
    raw: Any = database.connection.connection
    told: list[str] = []

    def hear(diagnostic: Any) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            told.append(str(diagnostic.message_primary))

    raw.add_notice_handler(hear)
    try:
        yield told
    finally:
        raw.remove_notice_handler(hear)


def _to_no_end(one: Chosen, before: Row, after: Row) -> bool:
    return bool(after["dead"]) or bool(one.aged and after[one.aged] > before[one.aged] / 2)


def _held(database: Database) -> str:
    who = upkeep.holder(database)
    return f"dead rows and old ids stay while they may be seen: {who}" if who else ""


def ended(error: Unavailable | Error, reason: str) -> tuple[str, str]:
    """Outcome and why, of one that did not come to its end."""
    if reason:
        return "stopped", reason
    if not isinstance(error, Unavailable):
        return "failed", "the connection to the database was lost"
    outcome = "skipped" if error.sqlstate in LEFT_ALONE else "failed"
    return outcome, REASONS.get(error.sqlstate, str(error))
