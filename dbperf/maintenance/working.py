"""One table: the statement, and a thread that watches whether somebody wants the table more."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.db import connections
from psycopg import sql

from dbperf.catalog import indexes, server, upkeep
from dbperf.connections import Database, Row, Unavailable
from dbperf.maintenance.choosing import Chosen, Operation

LOOK_S = 0.5
FULL_PCT = 60.0  # a leaf of a fresh btree is 90 % full
MIN_INDEX_BYTES = 1024 * 1024
VACUUM = "VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE FALSE, PARALLEL 0) {}"
ANALYZE = "ANALYZE (SKIP_LOCKED) {}"

Ask = Callable[[], str]  # why to stop; empty to go on
Tell = Callable[[Row | None], None]  # how far PostgreSQL is


@dataclass(slots=True)
class Result:
    """What came of one table. `outcome`: done, skipped, stopped or failed; `why` it was its turn; `note`: the rest."""

    table: str
    why: str
    outcome: str = "done"
    note: str = ""
    took_s: float = 0.0
    dead_before: int = 0
    dead_after: int = 0


@dataclass
class Watch:
    """Looks twice a second whether the statement should end: a stop was asked for, or somebody waits for the table."""

    alias: str
    pid: int
    ask: Ask
    tell: Tell
    reason: str = ""
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def on(self) -> Iterator["Watch"]:
        """As long as the block runs."""
        thread = threading.Thread(target=self._look, name="dbperf-maintenance", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        database = Database(self.alias)  # a connection of this thread's own
        try:
            while not self._over.wait(LOOK_S):
                self.tell(upkeep.progress(database, self.pid))
                waiting = upkeep.waiters(database, self.pid)
                self.reason = self.ask() or (f"session {waiting[0]} waited for it" if waiting else "")
                if self.reason:
                    upkeep.cancel(database, self.pid)
        finally:
            connections.close_all()  # of this thread


def treat(database: Database, one: Chosen, operation: Operation, *, ask: Ask, tell: Tell) -> Result:
    """Does it, and looks whether it was done: PostgreSQL calls it a success, with a warning, where it did nothing."""
    result = Result(one.title, one.why)
    if one.skip:
        result.outcome, result.note = "skipped", one.skip
        return result
    before = upkeep.treated(database, one.oid)
    began = monotonic()
    watch = Watch(database.alias, upkeep.own_pid(database), ask, tell)
    try:
        with watch.on(), _warnings(database) as warned:
            note = _carry_out(database, one, operation)
    except Unavailable as error:
        result.outcome = "stopped" if watch.reason else "failed"
        result.note = watch.reason or str(error)
    else:
        after = upkeep.treated(database, one.oid)
        result.outcome, result.note = _judged(operation, before, after, warned, note)
        result.dead_after = after["dead"]
        if after["dead"] and operation is Operation.VACUUM_ANALYZE and result.outcome == "done":
            result.note = _held(database)
    result.dead_before, result.took_s = before["dead"], round(monotonic() - began, 3)
    return result


def _carry_out(database: Database, one: Chosen, operation: Operation) -> str:
    table = sql.SQL("{}.{}").format(sql.Identifier(one.schema), sql.Identifier(one.name))
    if operation is Operation.REINDEX:
        return _rebuild(database, one)
    statement = VACUUM if operation is Operation.VACUUM_ANALYZE else ANALYZE
    database.run(sql.SQL(statement).format(table))
    return ""


def _rebuild(database: Database, one: Chosen) -> str:
    """Rebuilds the indexes that were measured to be half empty."""
    for name in upkeep.leftovers(database, one.oid):
        database.run(sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
    if "pgstattuple" not in server.capabilities(database).extensions:
        return "no index was measured: the extension pgstattuple is not there"
    done, left = [], 0
    for row in indexes.bloat(database):
        if row["table"] != one.name or row["schema"] != one.schema:
            continue
        if row["size_bytes"] < MIN_INDEX_BYTES or indexes.leaf_density(database, row["oid"]) >= FULL_PCT:
            left += 1
            continue
        name = sql.SQL("{}.{}").format(sql.Identifier(row["schema"]), sql.Identifier(row["name"]))
        database.run(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(name))
        done.append(row["name"])
    return f"rebuilt {', '.join(done) or 'none'}; {left} are full or small"


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


def _judged(operation: Operation, before: Row, after: Row, warned: list[str], note: str) -> tuple[str, str]:
    if operation is Operation.REINDEX:
        return "done", note
    column = "last_vacuum" if operation is Operation.VACUUM_ANALYZE else "last_analyze"
    if after[column] != before[column]:
        return "done", note
    return "skipped", "; ".join(warned) or "PostgreSQL did not do it and did not say why"


def _held(database: Database) -> str:
    who = upkeep.holder(database)
    return f"dead rows stay while they may be seen: {who}" if who else ""
