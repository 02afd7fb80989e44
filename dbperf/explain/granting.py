"""What the login for plans still lacks, or has too much of, as statements."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any, Final

from dbperf.aliases import EXPLAIN_LOGIN
from dbperf.catalog import roles
from dbperf.connections import Database, Unavailable
from dbperf.explain import allowed

MOST_CONNECTIONS: Final = 2
ELSEWHERE: Final = {
    "asking": "is the login of the application",
    "superior": "is a superuser, or may make roles, databases or replicas",
    "owner": "owns tables",
    "member": "is a member of another role",
    "writes": "may write to a table",
}


def grant(
    on: Database, role: str, tables: allowed.Tables, *, password: str = ""
) -> tuple[list[str], list[str]]:
    """Does what the connection's login may; returns what was done, and what is left for a superuser or the owner.
    A role that is made gets the password, which stands in neither."""
    if why := _not_for_plans(on, role):
        return [], [f"-- {roles.quoted(on, role)} {why}: give DB_EXPLAIN_URL a login of its own"]
    wanted = needed(on, role, tables)
    for statement in wanted:
        with suppress(Unavailable):
            on.run(statement)
            if statement.startswith("CREATE ROLE") and password:
                roles.make_login(on, role, password)
    left = needed(on, role, tables)  # PostgreSQL only warns where a grant or a revocation changed nothing
    return [statement for statement in wanted if statement not in left], left


def _not_for_plans(on: Database, role: str) -> str:
    """A login that does something else besides is left as it is, or whatever uses it would stop working."""
    if not roles.exists(on, role):
        return ""
    facts = roles.facts(on, role)
    return next((text for name, text in ELSEWHERE.items() if facts[name]), "")


def needed(on: Database, role: str, tables: allowed.Tables) -> list[str]:
    """In the order in which they have to be run. Empty where all is as it should be."""
    if not roles.exists(on, role):
        name = roles.quoted(on, role)
        made = f"CREATE ROLE {name} LOGIN NOINHERIT CONNECTION LIMIT {MOST_CONNECTIONS}"
        return [made, *_settings(name, []), *_tables(on, None, role, tables)]
    return [*_limits(on, role), *_tables(on, role, role, tables)]


def _limits(on: Database, role: str) -> Iterator[str]:
    name, facts = roles.quoted(on, role), roles.facts(on, role)
    if facts["connections"] != MOST_CONNECTIONS:
        yield f"ALTER ROLE {name} CONNECTION LIMIT {MOST_CONNECTIONS}"
    yield from _settings(name, facts["settings"])
    if facts["creates"]:
        yield f"REVOKE CREATE, TEMPORARY ON DATABASE {facts['database']} FROM {name}, PUBLIC"
    yield from (f"REVOKE CREATE ON SCHEMA {schema} FROM {name}, PUBLIC" for schema in facts["schemas"])


def _settings(name: str, there: list[str]) -> Iterator[str]:
    wanted = {setting: value for setting, value in EXPLAIN_LOGIN.items() if f"{setting}={value}" not in there}
    yield from (f"ALTER ROLE {name} SET {setting} = '{value}'" for setting, value in wanted.items())


def _tables(on: Database, role: str | None, name: str, tables: allowed.Tables) -> Iterator[str]:
    """A table whose columns are not those that are wanted is granted anew."""
    name = roles.quoted(on, name)
    rows = roles.columns(on, role, sorted({"public", *(schema for schema, _ in tables)}))
    for (schema, table), found in groupby(rows, key=lambda row: (row["schema"], row["table"])):
        columns = list(found)
        chosen = tables.get((schema, table), frozenset())
        wanted = [row for row in columns if allowed.readable(row["column"], chosen)]
        if wanted != [row for row in columns if row["granted"]]:
            yield from _anew(name, columns[0], wanted, whole=len(wanted) == len(columns))


def _anew(name: str, place: dict[str, Any], wanted: list[dict[str, Any]], *, whole: bool) -> Iterator[str]:
    where = f"{place['quoted_schema']}.{place['quoted_table']}"
    yield f"REVOKE ALL ON {where} FROM {name}"
    chosen = "" if whole else f" ({', '.join(row['quoted_column'] for row in wanted)})"
    if wanted:
        yield f"GRANT SELECT{chosen} ON {where} TO {name}"
