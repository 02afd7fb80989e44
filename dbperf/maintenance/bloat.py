"""Which indexes may be half empty. Pure: rows of `catalog.indexes` in; how full they are is measured afterwards."""

import re
from collections.abc import Iterable, Mapping

from dbperf.connections import Row
from dbperf.units import size

MIN_BYTES = 1024 * 1024
FULL_PCT = 60.0  # a leaf of a fresh btree is 90 % full
WASTED = 1 / 3  # which is the same, of an estimate
LEFT = re.compile(r"_cc(?:new|old)[0-9]*$")  # how a concurrent rebuild names what it is at

Table = tuple[str, str]


def rebuildable(row: Row) -> bool:
    """A btree worth its while; PostgreSQL rebuilds those of exclusion constraints under a lock only."""
    return bool(
        row["method"] == "btree"
        and row["is_valid"]
        and not row["is_exclusion"]
        and row["size_bytes"] >= MIN_BYTES
    )


def suspected(indexes: Iterable[Row], expected: Mapping[int, int]) -> dict[Table, str]:
    """Table → why its indexes should be looked at. `expected`: how large each would be freshly built, by its oid, where
    that can be estimated."""
    found: dict[Table, list[str]] = {}
    for row in indexes:
        if why := _why(row, expected.get(row["oid"])):
            found.setdefault((row["schema"], row["table"]), []).append(why)
    return {table: "; ".join(reasons) for table, reasons in found.items()}


def _why(row: Row, fresh: int | None) -> str:
    if not row["is_valid"] and not row["building"] and LEFT.search(row["name"]):
        return f"{row['name']} was left by a rebuild that broke off"
    if not rebuildable(row):
        return ""
    if fresh is None:
        return f"nobody can estimate how full {row['name']} ({size(row['size_bytes'])}) is"
    if row["size_bytes"] - fresh < WASTED * row["size_bytes"]:
        return ""
    return f"{row['name']} ({size(row['size_bytes'])}) would take about {size(fresh)}"
