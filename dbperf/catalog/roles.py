"""What a role needs for monitoring, and whether it is there."""

from typing import Final

from psycopg import sql

from dbperf.connections import Database

EXTENSIONS: Final = ("pg_stat_statements", "pgstattuple")
ROLES: Final = ("pg_monitor", "pg_stat_scan_tables")

EXTENSIONS_MADE: Final = "SELECT x.extname::text AS name FROM pg_extension x"
ROLES_HELD: Final = """
SELECT r.rolname::text AS name FROM pg_roles r
 WHERE r.rolname = ANY (%s::text[]) AND pg_has_role(%s::name, r.oid, 'MEMBER')
"""


def extensions(on: Database) -> set[str]:
    """Those that are made in this database."""
    return {row["name"] for row in on.rows(EXTENSIONS_MADE)}


def held(on: Database, role: str) -> set[str]:
    """Which of the monitoring roles a role is a member of."""
    return {row["name"] for row in on.rows(ROLES_HELD, [list(ROLES), role])}


def make_extension(on: Database, name: str) -> None:
    """Raises `Unavailable` where the role may not."""
    on.run(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))


def grant(on: Database, granted: str, role: str) -> None:
    """Raises `Unavailable` where the role may not."""
    on.run(sql.SQL("GRANT {} TO {}").format(sql.Identifier(granted), sql.Identifier(role)))
