"""Foreign keys without an index: deleting a referenced row reads the whole table.

So does every join from the referenced side. Small tables are left alone: PostgreSQL would read them whole.
"""

from collections.abc import Iterator

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, size

MIN_BYTES = 1024 * 1024
LARGE_BYTES = 100 * 1024 * 1024


def run(context: Context) -> Iterator[Finding]:
    covering = [row for row in indexes.indexes(context.database) if row["is_valid"] and not row["is_partial"]]
    for key in indexes.foreign_keys(context.database):
        if key["size_bytes"] >= MIN_BYTES and not any(_covers(index, key) for index in covering):
            yield _finding(key)


def _covers(index: Row, key: Row) -> bool:
    """The key's columns come first in the index, in any order."""
    same_table = (index["schema"], index["table"]) == (key["schema"], key["table"])
    return same_table and set(index["columns"][: len(key["columns"])]) == set(key["columns"])


def _finding(key: Row) -> Finding:
    table, columns = quoted(key["schema"], key["table"]), ", ".join(map(quoted, key["names"]))
    fields = ", ".join(f'"{name}"' for name in key["names"])
    return Finding(
        check="unindexed_foreign_key",
        level=Level.WARNING if key["size_bytes"] >= LARGE_BYTES else Level.INFO,
        subject=f"{key['schema']}.{key['table']}.{key['name']}",
        detail=f"{key['name']} ({columns}) of {table}, {size(key['size_bytes'])}, has no index: each deletion from"
        f" {key['referenced']} reads the whole table.",
        remedy=Remedy(
            "Add an index that begins with these columns.",
            f"CREATE INDEX CONCURRENTLY ON {table} ({columns});",
            f"models.Index(fields=[{fields}])",
        ),
        evidence={
            "columns": key["names"],
            "referenced": key["referenced"],
            "rows": key["rows"],
            "size_bytes": key["size_bytes"],
        },
    )
