"""What maintenance asks of PostgreSQL, and what it has done."""

from typing import Any, Final

from psycopg import sql

from dbperf.connections import Database, Row

LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('dbperf.maintenance'), 0) AS taken"
UNLOCK: Final = "SELECT pg_advisory_unlock(hashtext('dbperf.maintenance'), 0)"
WAITERS: Final = "SELECT a.pid FROM pg_stat_activity a WHERE %s::int = ANY (pg_blocking_pids(a.pid))"
TREATED: Final = """
SELECT n_dead_tup AS dead, last_vacuum, last_analyze FROM pg_stat_user_tables WHERE relid = %s::bigint::oid
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
LEFTOVERS: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indrelid = %s::bigint::oid AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
   AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
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


def treated(on: Database, oid: int) -> Row:
    """`{dead, last_vacuum, last_analyze}`: by hand, not by autovacuum."""
    return on.row(TREATED, [oid])


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


def leftovers(on: Database, oid: int) -> list[sql.Composed]:
    """What concurrent rebuilds of a table's indexes left that broke off: names to drop."""
    return [sql.SQL("{}.{}").format(*map(sql.Identifier, row.values())) for row in on.rows(LEFTOVERS, [oid])]
