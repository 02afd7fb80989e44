"""How PostgreSQL would carry out a statement, and how large the tables of it are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import transaction
from psycopg import sql

from dbperf.connections import Database

Plan = dict[str, Any]


@contextmanager
def prepared(
    database: Database, statement: str, types: Sequence[str], *, mode: str, timeout_s: float
) -> Iterator[None]:
    """A statement with `$1`, `$2` … as `planned`, in a transaction of which nothing stays; planned for values known
    (`custom`) or for any (`generic`)."""
    given = f"({', '.join(types)})" if types else ""
    try:
        with transaction.atomic(using=database.alias):
            database.run(f"SET LOCAL plan_cache_mode = force_{mode}_plan")
            database.run(f"SET LOCAL statement_timeout = {round(timeout_s * 1000)}")
            database.run(f"PREPARE planned {given} AS {statement}")
            try:
                yield
            finally:
                transaction.set_rollback(True, using=database.alias)
    finally:
        _forget(database)


def _forget(database: Database) -> None:
    """What was prepared outlives the transaction that it was prepared in."""
    if database.rows("SELECT FROM pg_prepared_statements WHERE name = 'planned'"):
        database.run("DEALLOCATE planned")


def explained(database: Database, values: Sequence[Any], *, carried_out: bool) -> Plan:
    """The plan of `planned`. Raises `Unavailable`, where it took too long, too."""
    options = "ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON" if carried_out else "FORMAT JSON"
    given = ", ".join(sql.Literal(value).as_string() for value in values)
    call = f"planned ({given})" if values else "planned"
    found = database.row(f"EXPLAIN ({options}) EXECUTE {call}")
    plan: Plan = found["QUERY PLAN"][0]["Plan"]
    return plan


class Sizes(NamedTuple):
    """Pages of 8 kB as of the last vacuum or analyze: of each table, and of the table of each index that is valid."""

    tables: Mapping[str, int]
    indexed: Mapping[str, int]


def sizes(database: Database) -> Sizes:
    """Of what is in the schema that names without one mean."""
    here = "relnamespace = current_schema()::regnamespace"
    tables = database.rows(f"SELECT relname, relpages FROM pg_class WHERE {here} AND relkind IN ('r', 'p')")
    indexes = database.rows(
        f"""SELECT c.relname, t.relpages FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid WHERE i.indisvalid AND c.{here}"""
    )
    return Sizes(
        {row["relname"]: row["relpages"] for row in tables},
        {row["relname"]: row["relpages"] for row in indexes},
    )
