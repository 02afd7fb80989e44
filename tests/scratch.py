"""Databases beside the one that tests share: on the run's own server, or on another PostgreSQL of the machine."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from chatbackend.connections import database
from chatbackend.embedded import binaries
from chatbackend.embedded.postgres import Postgres
from dbperf.aliases import EXPLAIN
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


@contextmanager
def database_on(server: str, alias: str) -> Iterator[str]:
    """An empty database known to Django as `alias`. Needs pytest-django's leave to reach databases."""
    if server == OWN:
        with _beside(alias):
            yield alias
    else:
        with tempfile.TemporaryDirectory(dir="/tmp" if os.geteuid() == 0 else None) as state:
            Path(state).chmod(0o711)
            with _started(Path(state), Path(server)) as own, _known(alias, own):
                yield alias


@contextmanager
def _beside(alias: str) -> Iterator[None]:
    name = connection.ops.quote_name(f"{connection.settings_dict['NAME']}_{alias}")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    name_given = {"NAME": name.strip('"')}
    explain = connections.settings.get(EXPLAIN, {"USER": ""})
    try:
        with (
            registered(alias, {**connection.settings_dict, **name_given}),
            registered(explaining(alias), {**explain, **name_given}),
        ):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def _started(state: Path, directory: Path) -> Iterator[Postgres]:
    server = Postgres(state, throwaway=True, bin=directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _known(alias: str, server: Postgres) -> Iterator[None]:
    own = database(server.url, options=settings.DATABASE_OPTIONS)
    explain = database(server.explain_url, options=settings.DATABASE_OPTIONS)
    with (
        registered(alias, {**connection.settings_dict, **own}),
        registered(explaining(alias), {**connection.settings_dict, **explain}),
    ):
        yield


def explaining(alias: str) -> str:
    """The alias of the same database, by the login for plans."""
    return f"{alias}-explaining"


@contextmanager
def registered(alias: str, settings_dict: dict[str, object]) -> Iterator[None]:
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
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths],
        cwd=ROOT,
        env={**_outer_environment(), "CHATBACKEND_PG_BIN": server},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-5000:]


def _outer_environment() -> dict[str, str]:
    """Without what leads to this run's own services."""
    return {name: value for name, value in os.environ.items() if name not in OUTER}
