"""What maintenance asks of PostgreSQL, and what it has done."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from django.db import Error
from psycopg import sql

from dbperf.connections import Database, Row, Unavailable

LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('dbperf.maintenance'), 0) AS taken"
UNLOCK: Final = "SELECT pg_advisory_unlock(hashtext('dbperf.maintenance'), 0)"
# pg_blocking_pids stops the whole lock manager for a moment: it is asked for those only who do wait.
WAITERS: Final = """
WITH waiting AS MATERIALIZED (SELECT a.pid FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock')
SELECT w.pid FROM waiting w WHERE %s::int = ANY (pg_blocking_pids(w.pid))
"""
TREATED: Final = """
SELECT CASE WHEN c.relkind <> 'p' THEN s.n_dead_tup END AS dead, s.last_vacuum, s.last_analyze,
       greatest(age(c.relfrozenxid), coalesce(age(t.relfrozenxid), 0)) AS xid_age,
       greatest(mxid_age(c.relminmxid), coalesce(mxid_age(t.relminmxid), 0)) AS mxid_age
  FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
 WHERE s.relid = %s::bigint::oid
"""
UNDER_WAY: Final = (
    "SELECT relid::bigint AS oid FROM pg_stat_progress_vacuum WHERE datname = current_database()"
)
PROGRESS: Final = """
SELECT phase, heap_blks_scanned AS done, heap_blks_total AS whole FROM pg_stat_progress_vacuum WHERE pid = %(pid)s::int
UNION ALL
SELECT phase, sample_blks_scanned, sample_blks_total FROM pg_stat_progress_analyze WHERE pid = %(pid)s::int
UNION ALL
SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index WHERE pid = %(pid)s::int
"""
# Who keeps VACUUM from removing rows that are dead already: the oldest snapshot of each kind.
HOLDERS: Final = """
SELECT * FROM (
    SELECT 'session ' || pid || ' (' || coalesce(nullif(application_name, ''), usename::text) || ')' AS who,
        age(backend_xmin) AS age
    FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()
        AND backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT 'replication slot ' || slot_name, greatest(age(xmin), age(catalog_xmin)) FROM pg_replication_slots
    UNION ALL
    SELECT 'prepared transaction ' || gid, age(transaction) FROM pg_prepared_xacts
    UNION ALL
    SELECT 'standby ' || coalesce(nullif(application_name, ''), pid::text), age(backend_xmin) FROM pg_stat_replication
) holder WHERE age > 0 ORDER BY age DESC LIMIT 1
"""
# Whoever rebuilds or drops an index concurrently holds this lock on it from the beginning to the end.
LEFTOVERS: Final = """
SELECT i.indexrelid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
       EXISTS (SELECT FROM pg_locks l
                WHERE l.locktype = 'relation' AND l.relation = i.indexrelid AND l.granted
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                  AND l.mode = 'ShareUpdateExclusiveLock') AS held
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indrelid = %s::bigint::oid AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
 ORDER BY 2, 3
"""


def take_lock(on: Database) -> bool:
    """Whether this session now holds the lock of maintenance. It goes with the session."""
    return bool(on.row(LOCK)["taken"])


def release_lock(on: Database) -> None:
    """Gives it back."""
    on.row(UNLOCK)


def own_pid(on: Database) -> int:
    """The session's number."""
    return int(on.row("SELECT pg_backend_pid() AS pid")["pid"])


def waiters(on: Database, pid: int) -> list[int]:
    """Who waits for a lock that this session holds."""
    return [row["pid"] for row in on.rows(WAITERS, [pid])]


def cancel(on: Database, pid: int) -> None:
    """Ends the statement that a session of the same role is at."""
    on.rows("SELECT pg_cancel_backend(%s::int)", [pid])


def treated(on: Database, oid: int) -> Row | None:
    """`{dead, last_vacuum, last_analyze, xid_age, mxid_age}`: by hand, not by autovacuum. None: it was dropped."""
    found = on.rows(TREATED, [oid])
    return found[0] if found else None


def under_way(on: Database) -> set[int]:
    """Tables that somebody vacuums at this moment."""
    return {row["oid"] for row in on.rows(UNDER_WAY)}


def progress(on: Database, pid: int) -> Row | None:
    """`{phase, done, whole}` in blocks, of what a session is at."""
    parameters: Any = {"pid": pid}
    found = on.rows(PROGRESS, parameters)
    return found[0] if found else None


def holder(on: Database) -> str:
    """Who holds the oldest snapshot; empty where nobody does."""
    found = on.rows(HOLDERS)
    return f"{found[0]['who']}, {found[0]['age']:,} transactions old" if found else ""


def leftovers(on: Database, oid: int) -> list[Row]:
    """What concurrent rebuilds of a table's indexes left that broke off: `{oid, schema, name, held}`, the last of which
    says that somebody is still at it."""
    return on.rows(LEFTOVERS, [oid])


def drop_index(on: Database, row: Row) -> None:
    """Of `{schema, name}`. Keeps nobody from reading or writing."""
    on.run(sql.SQL("DROP INDEX CONCURRENTLY {}").format(_identifier(row)))


def rebuild_index(on: Database, row: Row) -> None:
    """Of `{schema, name}`. Keeps nobody from reading or writing."""
    on.run(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(_identifier(row)))


def _identifier(row: Row) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.Identifier(row["schema"]), sql.Identifier(row["name"]))


@contextmanager
def patience(on: Database, seconds: float) -> Iterator[None]:
    """How long the statements of this block wait for a lock, or for somebody's transaction to end."""
    on.run(f"SET lock_timeout = {round(1000 * seconds)}")
    try:
        yield
    finally:
        with suppress(Error, Unavailable):  # where the connection is lost, so is what was set
            on.run("RESET lock_timeout")
