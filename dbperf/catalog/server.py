"""The server itself: what it is, what the asking role may see, how it is set up."""

from dataclasses import dataclass
from typing import Final

from dbperf.connections import Database, Row

CAPABILITIES: Final = """
SELECT current_setting('server_version') AS server_version,
       current_setting('server_version_num')::int / 10000 AS version,
       pg_is_in_recovery() AS replica,
       current_user::text AS role,
       current_database()::text AS database,
       r.rolsuper AS superuser,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS all_stats,
       pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS all_settings,
       pg_has_role(current_user, 'pg_stat_scan_tables', 'USAGE') AS scan_tables,
       ARRAY(SELECT x.extname::text FROM pg_extension x ORDER BY 1) AS extensions,
       (SELECT quote_ident(n.nspname) FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
         WHERE x.extname = 'pg_stat_statements') AS statements_schema,
       (SELECT s.setting FROM pg_settings s WHERE s.name = 'shared_preload_libraries') AS preloaded,
       (SELECT d.stats_reset FROM pg_stat_database d WHERE d.datname = current_database()) AS stats_reset
  FROM pg_roles r
 WHERE r.rolname = current_user
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that cannot be known here, and how to change that."""

    missing: str
    costs: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this server and this role let us know."""

    server_version: str
    version: int
    replica: bool
    role: str
    database: str
    superuser: bool
    all_stats: bool
    all_settings: bool
    scan_tables: bool
    extensions: list[str]
    statements_schema: str | None
    preloaded: str | None
    stats_reset: object

    @property
    def statements(self) -> bool:
        """Whether pg_stat_statements answers; where the role may not see the preloaded libraries, its being made
        has to do."""
        return self.statements_schema is not None and self.preloads_statements

    @property
    def preloads_statements(self) -> bool:
        """Also where the role may not see the setting."""
        return self.preloaded is None or "pg_stat_statements" in self.preloaded

    @property
    def gaps(self) -> list[Gap]:
        """What is missing, in the words of somebody who could change it."""
        known = [
            (self.statements, STATEMENTS),
            (self.all_stats, ALL_STATS),
            (self.all_settings, ALL_SETTINGS),
            ("pgstattuple" in self.extensions and self.scan_tables, TUPLES),
            ("hypopg" in self.extensions, HYPOPG),
            (not self.replica, REPLICA),
        ]
        return [gap for there, gap in known if not there]


STATEMENTS: Final = Gap(
    "pg_stat_statements",
    "no history of statements: neither slow ones nor those that got slower",
    "shared_preload_libraries = 'pg_stat_statements', restart PostgreSQL, then as a superuser:"
    " CREATE EXTENSION pg_stat_statements",
)
ALL_STATS: Final = Gap(
    "pg_read_all_stats",
    "sessions and statements of other roles stay hidden",
    "as a superuser: GRANT pg_monitor TO the monitoring role",
)
ALL_SETTINGS: Final = Gap(
    "pg_read_all_settings",
    "some settings stay hidden",
    "as a superuser: GRANT pg_monitor TO the monitoring role",
)
TUPLES: Final = Gap(
    "pgstattuple",
    "bloat stays an estimate, so no rebuild is offered",
    "as a superuser: CREATE EXTENSION pgstattuple, and GRANT pg_stat_scan_tables TO the monitoring role",
)
HYPOPG: Final = Gap(
    "hypopg",
    "proposed indexes are proven on small tables only",
    "install the package hypopg on the server, then as a superuser: CREATE EXTENSION hypopg",
)
REPLICA: Final = Gap(
    "a primary",
    "this is a replica: nothing can be stored or maintained here",
    "point dbperf at the primary",
)


def capabilities(on: Database) -> Capabilities:
    """One statement: version, role, privileges, extensions."""
    return Capabilities(**on.row(CAPABILITIES))


CHECKPOINTS_15: Final = """
SELECT checkpoints_timed AS timed, checkpoints_req AS requested, stats_reset FROM pg_stat_bgwriter
"""
CHECKPOINTS_17: Final = """
SELECT num_timed AS timed, num_requested AS requested, stats_reset FROM pg_stat_checkpointer
"""
SETTINGS: Final = """
SELECT s.name, s.setting, s.unit,
       CASE WHEN s.unit IN ('kB', '8kB', 'MB') THEN s.setting::bigint
            * CASE s.unit WHEN 'kB' THEN 1024 WHEN '8kB' THEN 8192 ELSE 1048576 END END AS bytes
  FROM pg_settings s
 WHERE s.name = ANY (%s::text[])
"""
DATABASE: Final = """
SELECT d.datname::text AS name, pg_database_size(d.oid) AS size_bytes, age(d.datfrozenxid) AS xid_age,
       mxid_age(d.datminmxid) AS mxid_age, current_setting('autovacuum_freeze_max_age')::bigint AS freeze_max_age,
       current_setting('autovacuum_multixact_freeze_max_age')::bigint AS mxid_freeze_max_age,
       s.blks_hit AS blocks_hit, s.blks_read AS blocks_read, s.temp_bytes, s.temp_files,
       extract(epoch FROM clock_timestamp() - coalesce(s.stats_reset, pg_postmaster_start_time()))::float AS counted_s
  FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid
 WHERE d.datname = current_database()
"""
REPLICAS: Final = """
SELECT r.application_name AS application, r.state, r.sync_state, extract(epoch FROM r.replay_lag)::float AS lag_s,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint END
         AS lag_bytes
  FROM pg_stat_replication r
"""
SLOTS: Final = """
SELECT s.slot_name::text AS name, s.active, s.wal_status,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint END
         AS retained_bytes
  FROM pg_replication_slots s
"""


def checkpoints(on: Database) -> Row:
    """How many were due by time, and how many had to come early."""
    return on.row(CHECKPOINTS_17 if on.version >= 17 else CHECKPOINTS_15)


def settings(on: Database, *names: str) -> dict[str, Row]:
    """Settings by name, sizes also in bytes. What the role may not see is not there."""
    return {row["name"]: row for row in on.rows(SETTINGS, [list(names)])}


def database(on: Database) -> Row:
    """The database as a whole: size, ages, cache, temporary files, and over how many seconds that was counted."""
    return on.row(DATABASE)


def replicas(on: Database) -> list[Row]:
    """Who streams from here, and how far behind. Empty without `pg_read_all_stats`."""
    return on.rows(REPLICAS)


def slots(on: Database) -> list[Row]:
    """Replication slots, and how much WAL each keeps from being removed."""
    return on.rows(SLOTS)
