"""Databases that are made on the run's own server begin with all tables: to migrate takes seconds, to copy does not.

That goes for commands, too, which make databases of their own.
"""

from django.db import connection, connections
from psycopg import sql

from tests import services

EMPTY = "template_empty"
MIGRATED = "template1"  # what PostgreSQL copies where it is told nothing else
MADE: list[str] = []


def make() -> None:
    """From the test database. Not on an outside server, whose templates are not ours."""
    if not services.STARTED:
        return
    source = sql.Identifier(str(connection.settings_dict["NAME"]))
    names = {"empty": sql.Identifier(EMPTY), "migrated": sql.Identifier(MIGRATED), "source": source}
    connections.close_all()  # nobody may be in what is copied
    with services.STARTED[0]._admin() as admin:
        for statement in (
            "ALTER DATABASE {migrated} RENAME TO {empty}",
            "CREATE DATABASE {migrated} TEMPLATE {source} IS_TEMPLATE true",
        ):
            admin.execute(sql.SQL(statement).format(**names))
    MADE.extend([EMPTY, MIGRATED])
