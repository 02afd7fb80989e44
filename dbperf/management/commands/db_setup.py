"""`manage.py db_setup`: what monitoring needs on the server, done where the role may, else said."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error, connections

from dbperf.aliases import EXPLAIN
from dbperf.catalog import roles, server
from dbperf.connections import Database, Unavailable
from dbperf.services import explaining
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
        parser.add_argument(
            "--explain", action="store_true", help="also where there is no connection dbperf_explain yet"
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        on = Database(options["database"])
        try:
            role = options["role"] or server.capabilities(on).role
            done, left = _extensions(on)
            for granted, refused in (_grants(on, role), _explain(on, asked=options["explain"])):
                done, left = done + granted, left + refused
        except (Error, Unavailable) as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
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


def _explain(on: Database, *, asked: bool) -> tuple[list[str], list[str]]:
    """The login for plans of statements that people type in, and what it may read."""
    if not asked and EXPLAIN not in connections.settings:
        return [], []
    done, left = explaining.prepare_login(on)
    return [f"{statement};" for statement in done], [_for_a_superuser(statement) for statement in left]


def _for_a_superuser(statement: str) -> str:
    if statement.startswith("--"):
        return statement
    hint = "  -- then give it a password: \\password" if statement.startswith("CREATE ROLE") else ""
    return f"{statement};{hint}"


def _lines(role: str, done: list[str], left: list[str], on: Database) -> list[str]:
    lines = [f"Done: {statement}" for statement in done]
    if not left:
        return [*lines, f"{role} has all that monitoring uses."]
    name = on.connection.settings_dict["NAME"]
    return [*lines, f"A superuser must still do this in the database {name}:", "", *left]
