"""A database of the bench's own on the configured server, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql


def patient() -> None:
    """Statements may take as long as they do, over the connection that is open now."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def copy_database(source: str, name: str) -> None:
    """A database as another one is, in place of one of that name. Nobody may be in either.

    File by file: PostgreSQL's own choice is to write all of it into the log besides, which takes minutes for five
    million messages and is meant for small templates.
    """
    database, template = sql.Identifier(name), sql.Identifier(source)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(database))
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(database, template)
        )


@contextmanager
def own_database(suffix: str = "bench", *, template: str | None = None) -> Iterator[str]:
    """Makes it, with all tables, points this process to it and yields its URL. One left by a killed run is replaced.

    `template`: a database that it begins as a copy of.
    """
    connection.ensure_connection()  # raises OperationalError; Django's test database would ask and exit
    original = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"] |= {"NAME": f"{original}_{suffix}"}
    if template is not None:
        copy_database(template, f"{original}_{suffix}")
    name = connection.creation.create_test_db(
        verbosity=0, autoclobber=True, serialize=False, keepdb=template is not None
    )
    try:
        patient()
        yield urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))
    finally:
        connection.creation.destroy_test_db(original, verbosity=0)
