"""Indexes that are not there for being read, or not only."""

from typing import Final

from django.conf import settings

from dbperf.connections import Row

NEEDED: Final = ("is_unique", "is_primary", "is_exclusion", "is_identity", "is_constraint", "has_expression")


def needed(row: Row, there: list[Row], keys: list[Row]) -> bool:
    """Whether a constraint, a foreign key of `keys` or the planner needs it, or it is kept by agreement. `there`: all
    indexes."""
    prefixes = tuple(getattr(settings, "DBPERF", {}).get("OWN_INDEX_PREFIXES", ()))
    if (
        any(row[flag] for flag in NEEDED)
        or not row["is_valid"]
        or row["name"].startswith(("dbperf_", *prefixes))
    ):
        return True
    others = [
        other
        for other in there
        if other["oid"] != row["oid"] and other["is_valid"] and not other["is_partial"]
    ]
    return any(_covers(row, key) and not any(_covers(other, key) for other in others) for key in keys)


def _covers(index: Row, key: Row) -> bool:
    same_table = (index["schema"], index["table"]) == (key["schema"], key["table"])
    return same_table and set(index["columns"][: len(key["columns"])]) == set(key["columns"])
