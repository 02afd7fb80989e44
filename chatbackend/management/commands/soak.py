"""`manage.py soak`: a load for long, and whether memory, connections and latency stay what they were."""

from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from chatbackend import console
from chatbackend.benchmark.servers import SOCKETS, ServerFailedError
from chatbackend.loadtest.limits import TooFewFilesError
from chatbackend.loadtest.mixed import report
from chatbackend.loadtest.mixed.run import MixedPlan
from chatbackend.loadtest.process import LoadTestError
from chatbackend.loadtest.soak import show
from chatbackend.loadtest.soak.flat import TooShortError
from chatbackend.loadtest.soak.run import misses, run
from chatbackend.management.commands.bench import AWAY

WINDOWS = 360  # samples, where the time is long enough
SHORTEST_S = 0.25


class Command(BaseCommand):
    """As `loadtest --profile mixed`, which it is for longer."""

    help = "Lets people read, list, search and send for long, and fails where memory, connections or latency grow."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--minutes", type=_minutes, default=30.0, help="(%(default)s)")
        add("--users", type=int, default=200, help="(%(default)s)")
        add("--rate", type=float, default=0.0, help="their actions a second (a tenth of --users)")
        add("--url", default="", help="of a running deployment that uses the same database and secrets")
        add("--pid", type=int, help="of its server on this machine, where it is not found by itself")
        add("--server", choices=SOCKETS, default="daphne", help="to start without --url (%(default)s)")
        add("--json", type=Path, metavar="FILE", help="write the figures there, too")
        add("--svg", type=Path, metavar="FILE", help="draw them there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = run(_plan(options), lambda text: console.say(self.stderr, text))
        except OperationalError as error:
            raise CommandError(f"{AWAY}\n{error}") from error
        except (LoadTestError, TooFewFilesError, ServerFailedError, TooShortError, OSError) as error:
            raise CommandError(str(error)) from error
        report.show(self.stdout, result["load"])
        show.table(self.stdout, result)
        if options["json"]:
            options["json"].write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
        if options["svg"]:
            options["svg"].write_text(show.svg(result))
        faults = report.misses(result["load"], max_p99_ms=None, max_lost=0, max_errors=0)
        if found := [*faults, *misses(result)]:
            raise CommandError("; ".join(found), returncode=2)


def _plan(options: dict[str, Any]) -> MixedPlan:
    seconds = options["minutes"] * 60
    return MixedPlan(
        seconds=seconds,
        window_s=max(SHORTEST_S, seconds / WINDOWS),
        **{name: options[name] for name in ("users", "rate", "url", "pid", "server")},
    )


def _minutes(text: str) -> float:
    if not 0 < (value := float(text)) <= 20 * 60:  # tokens are good for a day
        raise ValueError(text)
    return value
