"""What goes on now. One look at pg_stat_activity each; query texts are left out: they may hold people's words."""

from typing import Final

from dbperf.connections import Database, Row

OURS: Final = (
    "a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()"
)

PULSE: Final = f"""
SELECT count(*) FILTER (WHERE a.backend_type = 'client backend') AS connections,
       (SELECT sum(setting::int) FILTER (WHERE name = 'max_connections')
             - sum(setting::int) FILTER (WHERE name <> 'max_connections')
          FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections'))
         AS available,
       count(*) FILTER (WHERE {OURS} AND a.state = 'active') AS active,
       count(*) FILTER (WHERE {OURS} AND a.state = 'idle') AS idle,
       count(*) FILTER (WHERE {OURS} AND a.state LIKE 'idle in transaction%') AS idle_in_transaction,
       count(*) FILTER (WHERE {OURS} AND a.wait_event_type = 'Lock') AS waiting,
       coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)) FILTER (WHERE {OURS}), 0)::float
         AS longest_transaction_s,
       coalesce(max(extract(epoch FROM clock_timestamp() - a.state_change))
         FILTER (WHERE {OURS} AND a.state LIKE 'idle in transaction%'), 0)::float AS longest_idle_in_transaction_s,
       coalesce(max(age(a.backend_xmin)) FILTER (WHERE {OURS}), 0) AS oldest_xmin_age,
       max(d.xact_commit) AS commits, max(d.xact_rollback) AS rollbacks, max(d.blks_hit) AS blocks_hit,
       max(d.blks_read) AS blocks_read, max(d.deadlocks) AS deadlocks, max(d.temp_bytes) AS temp_bytes,
       max(d.tup_returned) AS rows_read, max(d.tup_inserted + d.tup_updated + d.tup_deleted) AS rows_written,
       max(d.stats_reset) AS stats_reset
  FROM pg_stat_activity a, pg_stat_database d
 WHERE d.datname = current_database()
"""

# Sessions that staff may end: none of PostgreSQL's own processes, of a superuser, or of dbperf.
ENDABLE: Final = f"""
{OURS} AND a.application_name !~ '^dbperf-'
   AND EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid AND NOT r.rolsuper)
"""
# A number is given to another session some day; with the moment it began it is one session's for good.
STARTED: Final = "to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"

SESSIONS: Final = f"""
SELECT a.pid, {STARTED} AS started, {ENDABLE} AS endable,
       a.usename::text AS role, a.application_name AS application, a.state, a.wait_event_type, a.wait_event,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float AS transaction_s,
       extract(epoch FROM clock_timestamp() - a.state_change)::float AS state_s,
       extract(epoch FROM clock_timestamp() - a.query_start)::float AS query_s,
       age(a.backend_xmin) AS xmin_age, a.query_id
  FROM pg_stat_activity a
 WHERE {OURS} AND a.state <> 'idle'
 ORDER BY a.xact_start NULLS LAST
"""

BLOCKED: Final = f"""
SELECT a.pid, a.application_name AS application, a.usename::text AS role, pg_blocking_pids(a.pid) AS blockers,
       extract(epoch FROM clock_timestamp() - coalesce(l.waitstart, a.query_start))::float AS waiting_s
  FROM pg_stat_activity a
  JOIN LATERAL (SELECT min(k.waitstart) FROM pg_locks k WHERE k.pid = a.pid AND NOT k.granted) AS l (waitstart) ON true
 WHERE {OURS} AND a.wait_event_type = 'Lock'
 ORDER BY 5 DESC
"""


CANCEL: Final = f"""
SELECT pg_cancel_backend(a.pid) AS sent, a.application_name AS application, a.usename::text AS role
  FROM pg_stat_activity a WHERE a.pid = %s::int AND {STARTED} = %s AND a.pid <> ALL (%s::int[]) AND {ENDABLE}
"""
TERMINATE: Final = CANCEL.replace("pg_cancel_backend", "pg_terminate_backend")


def pulse(on: Database) -> Row:
    """Connections, states, the longest transaction, and the database's counters: one statement, no lock, no table."""
    return on.row(PULSE)


def sessions(on: Database) -> list[Row]:
    """Who does anything in this database, the oldest transaction first."""
    return on.rows(SESSIONS)


def blocked(on: Database) -> list[Row]:
    """Who waits for whose lock, the longest wait first."""
    return on.rows(BLOCKED)


def cancel(on: Database, pid: int, started: str, *, but: list[int]) -> Row | None:
    """Ends the statement of a session: `{sent, application, role}`. None where there is none such that may be ended."""
    return _signalled(on, CANCEL, pid, started, but)


def terminate(on: Database, pid: int, started: str, *, but: list[int]) -> Row | None:
    """Ends a session: `{sent, application, role}`. None where there is none such that may be ended."""
    return _signalled(on, TERMINATE, pid, started, but)


def _signalled(on: Database, statement: str, pid: int, started: str, but: list[int]) -> Row | None:
    found = on.rows(statement, [pid, started, but])
    return found[0] if found and found[0]["sent"] else None
