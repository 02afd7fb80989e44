"""Plans of statements that pg_stat_statements counted, and indexes that are not there, or not for long."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql

from dbperf.connections import Database, Row

NAME: Final = sql.Identifier("dbperf_proposal")
TABLE: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS table, c.oid::bigint AS oid, c.reltuples::bigint AS rows,
       c.relpages::bigint * current_setting('block_size')::int AS size_bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = %s::text AND c.relname = %s::text
"""
TYPES: Final = (
    "SELECT p.parameter_types::text[] AS types FROM pg_prepared_statements p WHERE p.name = 'dbperf_proposal'"
)
HYPOTHETICAL: Final = (
    "SELECT indexrelid::bigint AS oid, indexname::text AS name FROM hypopg_create_index(%s::text)"
)
HYPOTHETICAL_SIZE: Final = "SELECT hypopg_relation_size(%s::bigint::oid)::bigint AS size_bytes"
STANDING: Final = """
SELECT x.indisvalid AND x.indisready AS whole FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
 WHERE x.indrelid = %s::text::regclass AND i.relname = %s::text
"""
SAMPLES: Final = sql.SQL("""
WITH counted AS (SELECT {column}::text AS value, count(*) AS times FROM {table} WHERE {column} IS NOT NULL GROUP BY 1),
placed AS (SELECT value, row_number() OVER (ORDER BY times DESC, value) AS place, count(*) OVER () AS whole
             FROM counted)
SELECT p.value FROM placed p
  JOIN (VALUES (0.0), (0.5), (1.0)) AS part (share) ON p.place = round(1 + part.share * (p.whole - 1))
 ORDER BY part.share
""")
SIZE: Final = "SELECT pg_relation_size(%s::text::regclass)::bigint AS size_bytes"


def table(on: Database, schema: str, name: str) -> Row | None:
    """A table's size, by its names as a plan shows them."""
    found = on.rows(TABLE, [schema, name])
    return found[0] if found else None


def prepare(on: Database, text: str) -> list[str]:
    """Has a statement with `$1` prepared in this session, with a plan for any values; returns the parameters' types."""
    on.run("SET plan_cache_mode = force_generic_plan")
    on.run(sql.SQL("PREPARE {} AS {}").format(NAME, sql.SQL(text)))
    return list(on.row(TYPES)["types"])


def forget(on: Database) -> None:
    """The session as it was."""
    on.run("DEALLOCATE ALL")
    on.run("RESET plan_cache_mode")


def plan(on: Database, values: Sequence[sql.Composable], *, run: bool = False) -> dict[str, Any]:
    """The plan of what was prepared; with `run` it is executed, and buffers are counted."""
    given = sql.SQL(", ").join(values)
    options = "ANALYZE, BUFFERS, TIMING OFF, VERBOSE, FORMAT JSON" if run else "VERBOSE, FORMAT JSON"
    call = sql.SQL("EXECUTE {}({})" if values else "EXECUTE {}").format(NAME, given)
    row = on.row(sql.SQL("EXPLAIN ({}) {}").format(sql.SQL(options), call))
    found: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return found


def samples(on: Database, table: sql.Composable, column: str) -> list[Any]:
    """Of the values that stand in a column, as text: the most frequent, one in the middle, and the rarest."""
    statement = SAMPLES.format(column=sql.Identifier(column), table=table)
    return [row["value"] for row in on.rows(statement)]


def imagine(on: Database, definition: str) -> Row:
    """An index that only the planner of this session sees; needs hypopg."""
    return on.row(HYPOTHETICAL, [definition])


def imagined_bytes(on: Database, oid: int) -> int:
    """How large hypopg thinks that it would be."""
    return int(on.row(HYPOTHETICAL_SIZE, [oid])["size_bytes"])


def stop_imagining(on: Database) -> None:
    """All of this session's are gone."""
    on.row("SELECT hypopg_reset()")


def built_bytes(on: Database, name: str) -> int:
    """How large an index is."""
    return int(on.row(SIZE, [name])["size_bytes"])


def standing(on: Database, table: str, name: str) -> bool | None:
    """Whether an index of a table is whole; None where there is none of the name."""
    found = on.rows(STANDING, [table, name])
    return bool(found[0]["whole"]) if found else None


def drop(on: Database, name: str) -> None:
    """Without keeping anybody from writing."""
    on.run(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(name)))
