"""A database of the bench's own on the configured server, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection


def patient() -> None:
    """Statements may take as long as they do, over the connection that is open now."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


@contextmanager
def own_database(suffix: str = "bench", *, template: str | None = None) -> Iterator[str]:
    """Makes it, with all tables, points this process to it and yields its URL. One left by a killed run is replaced.

    `template`: a database that it begins as a copy of.
    """
    connection.ensure_connection()  # raises OperationalError; Django's test database would ask and exit
    original = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"] |= {"NAME": f"{original}_{suffix}", "TEMPLATE": template}
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        patient()
        yield urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))
    finally:
        connection.creation.destroy_test_db(original, verbosity=0)
