"""`manage.py bench`: requests a second on this machine, beside bare Django and the bare statement."""

from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from chatbackend import console
from chatbackend.benchmark.cases import CASES
from chatbackend.benchmark.report import show
from chatbackend.benchmark.run import Plan, run
from chatbackend.benchmark.servers import ServerFailedError

AWAY = "PostgreSQL cannot be reached: start `make run` in another terminal, or set DATABASE_URL and REDIS_URL"


class Command(BaseCommand):
    """In a database of its own, which is dropped afterwards."""

    help = "Measures the API on one Granian WSGI worker and one Daphne process, and what it is measured by."

    def add_arguments(self, parser: CommandParser) -> None:
        names = [case.name for case in CASES]
        parser.add_argument(
            "--messages", type=_positive, default=Plan.messages, help="rows to measure on (%(default)s)"
        )
        parser.add_argument(
            "--rounds", type=_positive, default=Plan.rounds, help="of which medians are taken (%(default)s)"
        )
        parser.add_argument(
            "--seconds", type=float, default=Plan.seconds, help="of each measurement (%(default)s)"
        )
        parser.add_argument(
            "--connections",
            type=_positive,
            default=Plan.connections,
            help="that the client keeps busy (%(default)s)",
        )
        parser.add_argument(
            "--only", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names)
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = Plan(
            messages=options["messages"],
            rounds=options["rounds"],
            seconds=options["seconds"],
            connections=options["connections"],
            cases=[case for case in CASES if case.name in options["only"]],
        )
        try:
            result = run(plan, lambda text: console.say(self.stderr, text))
        except OperationalError as error:
            raise CommandError(f"{AWAY}\n{error}") from error
        except (ServerFailedError, OSError) as error:
            raise CommandError(str(error)) from error
        show(self.stdout, result)
        if options["json"]:
            options["json"].write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError(text)
    return value
