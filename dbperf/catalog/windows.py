"""Indexes over the recent part of a table, each named after its window and the day that it begins with."""

from typing import Any, Final

from dbperf.connections import Database, Row

INDEXES: Final = r"""
SELECT c.relname::text AS name, i.indisvalid AND i.indisready AS valid
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = %s::text::regclass AND c.relname ~ ('^' || %s::text || '_[0-9]{8}$')
 ORDER BY c.relname
"""
LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('dbperf.rotation'), 0) AS taken"
UNLOCK: Final = "SELECT pg_advisory_unlock(hashtext('dbperf.rotation'), 0)"


def indexes(database: Database, *, table: str, window: str) -> list[Row]:
    """`{name, valid}` of each index of a window, the oldest first; invalid is what a build that broke off left."""
    return database.rows(INDEXES, [table, window])


def take_lock(database: Database) -> bool:
    """Whether this session now holds the lock of rotations. It goes with the session."""
    return bool(database.row(LOCK)["taken"])


def release_lock(database: Database) -> None:
    """Gives the lock of rotations back."""
    database.row(UNLOCK)


def used_indexes(database: Database, statement: str, parameters: Any) -> set[str]:
    """The names of the indexes in the plan of a statement, which is not run."""
    (row,) = database.rows(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    return set(_names(row["QUERY PLAN"][0]["Plan"]))


def _names(node: dict[str, Any]) -> list[str]:
    own = [node["Index Name"]] if "Index Name" in node else []
    return own + [name for part in node.get("Plans", ()) for name in _names(part)]
