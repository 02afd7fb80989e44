"""Databases beside the one that tests share: on the run's own server, or on another PostgreSQL of the machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from chatbackend.connections import database
from chatbackend.embedded import binaries
from chatbackend.embedded.postgres import Postgres
from dbperf.aliases import EXPLAIN
from tests import services, templates
from tests.server import ROOT

OWN = "the run's own"
OUTER = {"DATABASE_URL", "REDIS_URL", "TEST_DATABASE_URL", "DJANGO_SETTINGS_MODULE"}


def servers() -> list[str]:
    """The run's own server, and each other PostgreSQL: found on this machine (Debian: apt-get install postgresql), or
    named by TEST_PG_BINS, directories of programs joined by ":"."""
    named = [Path(name) for name in os.environ.get("TEST_PG_BINS", "").split(":") if name]
    there = [*Path("/usr/lib/postgresql").glob("*/bin"), *named]
    found = {binaries.major_version(path): path for path in there}
    with_server = {major: path for major, path in found.items() if (path / "initdb").is_file()}
    others = [str(path) for major, path in sorted(with_server.items()) if major >= binaries.OLDEST_POSTGRES]
    return [OWN, *others]


class Place(NamedTuple):
    """A database, as the application reaches it and as the login for plans does: Django's settings of both."""

    own: dict[str, Any]
    explain: dict[str, Any]

    def called(self, name: str) -> "Place":
        """Another database of the same server."""
        return Place({**self.own, "NAME": name}, {**self.explain, "NAME": name})


@contextmanager
def database_on(server: str, alias: str) -> Iterator[str]:
    """An empty database known to Django as `alias`. Needs pytest-django's leave to reach databases."""
    with made_on(server, alias) as place, known(alias, place):
        yield alias


@contextmanager
def migrated_on(server: str, alias: str) -> Iterator[str]:
    """One with all tables, known to Django as `alias`: a copy of what was migrated before, where there is that."""
    template = _template(server)
    with made_on(server, alias, like=template) as place, known(alias, place):
        if not template:
            migrate(alias)
        yield alias


def _template(server: str) -> str:
    if server == OWN:
        return templates.MIGRATED if templates.MADE else ""
    return _migrated(server)


@contextmanager
def made_on(server: str, name: str, *, like: str = "") -> Iterator[Place]:
    """A database, of which Django does not know yet: empty, or as another one of the server."""
    home = _home(server)
    place = home.called(f"{home.own['NAME']}_{name}")
    quoted = connection.ops.quote_name(place.own["NAME"])
    empty = templates.EMPTY if server == OWN and templates.MADE else "template1"
    _run(home, f"CREATE DATABASE {quoted} TEMPLATE {like or empty}")
    try:
        yield place
    finally:
        _run(home, f"DROP DATABASE {quoted}")


@cache
def _migrated(server: str) -> str:
    """A database of another server to be copied, which nobody is in and which goes with the server."""
    home = _home(server)
    place = home.called(f"{home.own['NAME']}_migrated")
    _run(home, f"CREATE DATABASE {place.own['NAME']}")
    with known("migrated", place) as alias:
        migrate(alias)
    return str(place.own["NAME"])


@contextmanager
def known(alias: str, place: Place) -> Iterator[str]:
    """Django knows it meanwhile, by both logins."""
    with registered(alias, place.own), registered(explaining(alias), place.explain):
        yield alias


def _home(server: str) -> Place:
    """The database that each server has to begin with."""
    if server == OWN:
        return Place(connection.settings_dict, connections.settings.get(EXPLAIN, {"USER": ""}))
    return place(_running(Path(server)))


def place(server: Postgres) -> Place:
    """The database of a server of ours."""
    own, explain = (
        {**connection.settings_dict, **database(url, options=settings.DATABASE_OPTIONS)}
        for url in (server.url, server.explain_url)
    )
    return Place(own, explain)


@cache
def _running(directory: Path) -> Postgres:
    """Another PostgreSQL: started when it is first asked for, for the rest of the run."""
    return services.postgres(services.folder(), bin=directory)


def _run(place: Place, statement: str) -> None:
    with registered("home", place.own), connections["home"].cursor() as cursor:
        cursor.execute(statement)


def explaining(alias: str) -> str:
    """The alias of the same database, by the login for plans."""
    return f"{alias}-explaining"


@contextmanager
def registered(alias: str, settings_dict: dict[str, Any]) -> Iterator[None]:
    """A database that is there already, known to Django as `alias`."""
    connections.databases[alias] = settings_dict
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]


def migrate(alias: str, *target: str) -> None:
    """To the newest state, or to the one named."""
    call_command("migrate", *target, database=alias, verbosity=0, interactive=False)


def run_tests_on(server: str, *paths: str) -> None:
    """These tests in a run of their own, on another PostgreSQL."""
    there = _running(Path(server))
    urls = {"TEST_DATABASE_URL": there.url, "TEST_EXPLAIN_URL": there.explain_url}
    urls["TEST_TEMPLATE"] = _migrated(server)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths],
        cwd=ROOT,
        env={**_outer_environment(), **urls},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-5000:]


def _outer_environment() -> dict[str, str]:
    """Without what leads to this run's own services."""
    return {name: value for name, value in os.environ.items() if name not in OUTER}
