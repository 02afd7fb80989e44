"""`manage.py db_setup`: what monitoring needs on the server, done where the role may, else said."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error

from dbperf.catalog import roles, server
from dbperf.connections import Database, Unavailable
from dbperf.units import quoted


class Command(BaseCommand):
    """Safe to run again. Ends with 2 where something is left for a superuser."""

    help = "Makes the extensions and grants that monitoring uses, and says what only a superuser can do."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="the connection to do it by (default)"
        )
        parser.add_argument("--role", help="the role that monitors, where it is not the one that connects")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        on = Database(options["database"])
        try:
            role = options["role"] or server.capabilities(on).role
            done, left = _extensions(on)
            granted, refused = _grants(on, role)
        except (Error, Unavailable) as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
        done, left = done + granted, left + refused
        if not server.capabilities(on).preloads_statements:
            left.insert(
                0, "-- in postgresql.conf, then restart: shared_preload_libraries = 'pg_stat_statements'"
            )
        if options["json"]:
            self.stdout.write(json.dumps({"role": role, "done": done, "left": left}, indent=2))
        else:
            self.stdout.write("\n".join(_lines(role, done, left, on)))
        if left:
            raise SystemExit(2)


def _extensions(on: Database) -> tuple[list[str], list[str]]:
    done, left = [], []
    for name in sorted(set(roles.EXTENSIONS) - roles.extensions(on)):
        statement = f"CREATE EXTENSION {quoted(name)};"
        try:
            roles.make_extension(on, name)
        except Unavailable:
            left.append(statement)
        else:
            done.append(statement)
    return done, left


def _grants(on: Database, role: str) -> tuple[list[str], list[str]]:
    done, left = [], []
    for granted in sorted(set(roles.ROLES) - roles.held(on, role)):
        statement = f"GRANT {quoted(granted)} TO {quoted(role)};"
        try:
            roles.grant(on, granted, role)
        except Unavailable:
            left.append(statement)
        else:
            done.append(statement)
    return done, left


def _lines(role: str, done: list[str], left: list[str], on: Database) -> list[str]:
    lines = [f"Done: {statement}" for statement in done]
    if not left:
        return [*lines, f"{role} has all that monitoring uses."]
    name = on.connection.settings_dict["NAME"]
    return [*lines, f"A superuser must still do this in the database {name}:", "", *left]
