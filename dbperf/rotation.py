"""Rotating window indexes: over what was written in the last so many days, and therefore small.

`now()` cannot stand in the condition of an index, so each carries a day as a literal and gets longer until it is
rotated: a new one is built, and the old one dropped, without stopping anybody from writing. A query can use such an
index only if it states a literal that is not older; it learns the day from the index's name (`name_YYYYMMDD`, UTC).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from psycopg import sql

from dbperf.aliases import MAINTENANCE
from dbperf.catalog import windows as catalog
from dbperf.connections import Database, alias_for

Statement = tuple[str, Any]


class Outcome(StrEnum):
    """How a rotation ended. `declined`: the planner would not take the new index, so it is not kept."""

    BUILT = "built"
    CURRENT = "current"
    DECLINED = "declined"


class Busy(Exception):
    """Another rotation is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """An index over the last `days` of a table.

    `index` is what follows USING, `condition` what the index is narrowed to besides the time. `query` gives a statement
    of the application, with parameters, for the SQL literal of a moment: the plan of it must use the index. The old
    index stays for `overlap_s` after the new one is found good, for processes that still ask for it.
    """

    name: str
    table: str
    index: str
    time: str
    days: int
    query: Callable[[str], Statement]
    condition: str = "true"
    overlap_s: float = 60.0

    def named(self, day: datetime) -> str:
        """The name of the index that begins with a day."""
        return f"{self.name}_{day:%Y%m%d}"

    def cutoff(self, now: datetime) -> datetime:
        """The day that an index built now begins with."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done about one window: the index that serves it now, if any, and what was dropped."""

    window: str
    outcome: Outcome
    index: str | None
    dropped: Sequence[str]


WINDOWS: Final[dict[str, Window]] = {}


def register(window: Window) -> None:
    """Has a window rotated with all others. Projects do this when their apps are loaded."""
    WINDOWS[window.name] = window


def maintenance() -> Database:
    """The database of the project, over the connection that owns its tables."""
    return Database(alias_for(MAINTENANCE))


def literal(moment: datetime) -> str:
    """A moment as SQL, of the type that a condition on a timestamptz needs to be proven."""
    return f"TIMESTAMPTZ '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'"


def rotate(window: Window, database: Database, *, now: datetime, tell: Callable[[str], None]) -> Rotation:
    """Builds the index that begins now, looks whether it serves, and drops what came before it.

    Safe to run again wherever it broke off. Raises `Busy`, or `Unavailable` where PostgreSQL refuses; the index that
    was there before is there then.
    """
    day = window.cutoff(now)
    with _session(database):
        dropped = _drop(database, _names(database, window, valid=False), tell)
        before = _names(database, window, valid=True)
        new = window.named(day)
        if new not in before:
            tell(f"{new}: building")
            _build(database, window, day)
        if not _serves(database, window, day):
            gone = [] if new in before else [new]
            kept = before[-1] if before else None
            return Rotation(window.name, Outcome.DECLINED, kept, [*dropped, *_drop(database, gone, tell)])
        old = [name for name in before if name != new]
        if old and new not in before:
            tell(f"{new}: serves; {', '.join(old)} for another {window.overlap_s:g} s")
            time.sleep(window.overlap_s)
        outcome = Outcome.CURRENT if new in before else Outcome.BUILT
        return Rotation(window.name, outcome, new, [*dropped, *_drop(database, old, tell)])


@contextmanager
def _session(database: Database) -> Iterator[None]:
    """One rotation at a time. A concurrent build waits for transactions that are under way; that is no lock to give up
    on after a second."""
    if not catalog.take_lock(database):
        raise Busy
    try:
        database.run("SET lock_timeout = 0")
        database.run("SET statement_timeout = 0")
        yield
    finally:
        database.run("RESET lock_timeout")
        database.run("RESET statement_timeout")
        catalog.release_lock(database)


def _names(database: Database, window: Window, *, valid: bool) -> list[str]:
    found = catalog.indexes(database, table=window.table, window=window.name)
    return [row["name"] for row in found if row["valid"] == valid]


def _build(database: Database, window: Window, day: datetime) -> None:
    database.run(
        sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} USING {} WHERE {} AND {} >= {}").format(
            sql.Identifier(window.named(day)),
            sql.Identifier(window.table),
            sql.SQL(window.index),
            sql.SQL(window.condition),
            sql.Identifier(window.time),
            sql.SQL(literal(day)),
        )
    )


def _serves(database: Database, window: Window, day: datetime) -> bool:
    """Whether it is valid and the application's query goes by it, or by an older one of its kind: the two cost the same
    for as long as both are there."""
    kin = _names(database, window, valid=True)
    return window.named(day) in kin and bool(
        set(kin) & catalog.used_indexes(database, *window.query(literal(day)))
    )


def _drop(database: Database, names: Sequence[str], tell: Callable[[str], None]) -> Sequence[str]:
    for name in names:
        tell(f"{name}: dropping")
        database.run(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))
    return names
