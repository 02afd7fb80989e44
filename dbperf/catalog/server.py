"""The server itself: what it is, what the asking role may see, how it is set up."""

from dataclasses import dataclass
from typing import Final

from dbperf.connections import Database

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
        loaded = self.preloaded is None or "pg_stat_statements" in self.preloaded
        return self.statements_schema is not None and loaded

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
