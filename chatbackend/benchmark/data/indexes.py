"""Indexes out of the way while rows pour in: building one afterwards takes a fraction of keeping it all along."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper

# The keys that lead to or from the tables, the other constraints with an index, the plain indexes: in this order they
# can be dropped, and in reverse they can be made again.
_FOREIGN = """
    SELECT k.conname, format('ALTER TABLE %%s DROP CONSTRAINT %%I', k.conrelid::regclass, k.conname),
        format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k
    WHERE k.contype = 'f' AND (k.conrelid = ANY (%(tables)s::regclass[]) OR k.confrelid = ANY (%(tables)s::regclass[]))
    ORDER BY k.conname"""
_KEYS = """
    SELECT k.conname, format('ALTER TABLE %%s DROP CONSTRAINT %%I', k.conrelid::regclass, k.conname),
        format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k
    WHERE k.contype IN ('p', 'u') AND k.conrelid = ANY (%(tables)s::regclass[])
    ORDER BY k.contype DESC, k.conname"""
_INDEXES = """
    SELECT i.indexrelid::regclass::text, format('DROP INDEX %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
    FROM pg_index i
    WHERE i.indrelid = ANY (%(tables)s::regclass[])
        AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
    ORDER BY i.indexrelid::regclass::text"""


def droppable(cursor: CursorWrapper, tables: Sequence[str]) -> list[tuple[str, str, str]]:
    """Every foreign key and index of the tables, in an order in which they can go: `(name, drop, make)`."""
    found: list[tuple[str, str, str]] = []
    for query in (_FOREIGN, _KEYS, _INDEXES):
        cursor.execute(query, {"tables": list(tables)})
        found += cursor.fetchall()
    return found


@contextmanager
def set_aside(cursor: CursorWrapper, tables: Sequence[str]) -> Iterator[None]:
    """Drops every index and foreign key of the tables, and makes them again. The caller has a transaction."""
    found = droppable(cursor, tables)
    for _, drop, _ in found:
        cursor.execute(drop)
    yield
    for _, _, make in reversed(found):
        cursor.execute(make)
