"""What a role needs for monitoring, and whether it is there."""

from typing import Any, Final

from psycopg import sql

from dbperf.connections import Database, Row

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


# Of the login that asks, in the order of dbperf.explain.roles.EXCESSES.
EXCESSES: Final = """
SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
         OR session_user <> current_user,
       EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid),
       EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid),
       has_database_privilege(current_database(), 'CREATE, TEMPORARY')
         OR EXISTS (SELECT FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'CREATE')),
       EXISTS (SELECT FROM pg_class c
                WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace <> 'pg_catalog'::regnamespace
                  AND has_any_column_privilege(c.oid, 'INSERT, UPDATE')
                   OR c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'DELETE, TRUNCATE, TRIGGER'))
  FROM pg_roles r
 WHERE r.rolname = current_user
"""
READABLE: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'SELECT')
"""
EXISTS: Final = "SELECT 1 AS one FROM pg_roles r WHERE r.rolname = %s"
QUOTED: Final = "SELECT quote_ident(%s) AS name"
FACTS: Final = """
SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS superior,
       r.rolname = current_user AS asking,
       r.rolconnlimit AS connections,
       coalesce(r.rolconfig, '{}') AS settings,
       EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) AS member,
       EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) AS owner,
       EXISTS (SELECT FROM pg_class c
                WHERE c.relkind IN ('r', 'p', 'v') AND c.relnamespace <> 'pg_catalog'::regnamespace
                  AND has_any_column_privilege(r.rolname, c.oid, 'INSERT, UPDATE')) AS writes,
       has_database_privilege(r.rolname, current_database(), 'CREATE, TEMPORARY') AS creates,
       quote_ident(current_database()) AS database,
       ARRAY(SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\\_%%'
                AND has_schema_privilege(r.rolname, n.oid, 'CREATE') ORDER BY 1) AS schemas
  FROM pg_roles r
 WHERE r.rolname = %s
"""
COLUMNS: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column,
       quote_ident(n.nspname) AS quoted_schema, quote_ident(c.relname) AS quoted_table,
       quote_ident(a.attname) AS quoted_column,
       CASE WHEN %s::text IS NULL THEN false
            ELSE has_column_privilege(%s::name, c.oid, a.attnum, 'SELECT') END AS granted
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname = ANY (%s::text[]) AND a.attnum > 0 AND NOT a.attisdropped
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1, 2, a.attnum
"""


def exists(on: Database, role: str) -> bool:
    """Whether there is such a role."""
    return bool(on.rows(EXISTS, [role]))


def quoted(on: Database, name: str) -> str:
    """As an identifier, also where the name is a keyword."""
    return str(on.row(QUOTED, [name])["name"])


def facts(on: Database, role: str) -> Row:
    """What a role may do beyond reading tables."""
    return on.row(FACTS, [role])


def columns(on: Database, role: str | None, schemas: list[str]) -> list[Row]:
    """Every column in these schemas, and whether a role may read it; tables of extensions are left out."""
    return on.rows(COLUMNS, [role, role, schemas])


def make_login(on: Database, role: str, password: str) -> None:
    """Gives a role its password, hashed before it leaves this process: statements get logged. Raises `Unavailable`."""
    connection: Any = on.connection
    connection.ensure_connection()
    hashed = connection.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    on.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed.decode())))
