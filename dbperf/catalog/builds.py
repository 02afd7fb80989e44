"""An index that is accepted: what is there of its name, and the building of it."""

from collections.abc import Sequence
from typing import Final

from psycopg import sql

from dbperf.connections import Database, Row

# `keys` as Django writes them; `plain`: a btree over columns and nothing else, each compared as its type is by default.
STANDING: Final = """
SELECT t.relname::text AS table, x.indisvalid AND x.indisready AS whole, coalesce(s.idx_scan, 0) AS scans,
       am.amname = 'btree' AND NOT x.indisunique AND x.indpred IS NULL AND x.indexprs IS NULL
         AND x.indnatts = x.indnkeyatts
         AND NOT EXISTS (SELECT FROM generate_series(0, x.indnkeyatts - 1) AS k
                           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = (x.indkey::int2[])[k]
                           JOIN pg_opclass o ON o.oid = (x.indclass::oid[])[k]
                          WHERE NOT o.opcdefault OR (x.indcollation::oid[])[k] <> a.attcollation) AS plain,
       ARRAY(SELECT CASE (x.indoption::int2[])[k.place - 1] WHEN 0 THEN '' WHEN 3 THEN '-' ELSE '?' END || a.attname
               FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
               JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum ORDER BY k.place)::text[] AS keys
  FROM pg_class i
  JOIN pg_namespace n ON n.oid = i.relnamespace
  JOIN pg_index x ON x.indexrelid = i.oid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_am am ON am.oid = i.relam
  LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.oid
 WHERE n.nspname = %s::text AND i.relname = %s::text
"""
COLUMNS: Final = """
SELECT a.attname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s::text AND c.relname = %s::text AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
# Whoever builds, vacuums or alters a table holds such a lock on it all the while; those who read and write do not.
OTHERS: Final = """
SELECT EXISTS (
    SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND n.nspname = %s::text AND c.relname = %s::text
       AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
) AS busy
"""


def standing(on: Database, schema: str, name: str) -> Row | None:
    """`{table, whole, scans, plain, keys}` of the index of that name; None where there is none."""
    found = on.rows(STANDING, [schema, name])
    return found[0] if found else None


def columns(on: Database, schema: str, table: str) -> set[str]:
    """The names of a table's columns; none where it is no table."""
    return {row["name"] for row in on.rows(COLUMNS, [schema, table])}


def busy(on: Database, schema: str, table: str) -> bool:
    """Whether somebody else builds on the table, vacuums or alters it at this moment."""
    return bool(on.row(OTHERS, [schema, table])["busy"])


def build(on: Database, *, schema: str, table: str, name: str, keys: Sequence[str]) -> None:
    """Keeps nobody from reading or writing."""
    columns = sql.SQL(", ").join(_key(key) for key in keys)
    statement = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} ({})")
    on.run(statement.format(sql.Identifier(name), sql.Identifier(schema, table), columns))


def analyze(on: Database, *, schema: str, table: str) -> None:
    """The planner's statistics, anew."""
    on.run(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))


def drop(on: Database, *, schema: str, name: str) -> None:
    """Keeps nobody from reading or writing."""
    on.run(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name)))


def _key(key: str) -> sql.Composable:
    order = sql.SQL("{} DESC" if key.startswith("-") else "{}")
    return order.format(sql.Identifier(key.removeprefix("-")))
