"""`manage.py bench`: the hot queries before, after and at their limit, requests a second beside bare Django, the
messages as one table and divided, or what watching the database costs."""

from pathlib import Path
from typing import Any

import orjson
import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from chatbackend import console
from chatbackend.benchmark import kept, report
from chatbackend.benchmark import run as http
from chatbackend.benchmark.cases import CASES
from chatbackend.benchmark.layouts import run as layouts
from chatbackend.benchmark.monitor import run as monitor
from chatbackend.benchmark.queries import figures, plot
from chatbackend.benchmark.queries import run as queries
from chatbackend.benchmark.servers import ServerFailedError

AWAY = "PostgreSQL cannot be reached: start `make run` in another terminal, or set DATABASE_URL and REDIS_URL"
UNITS = {"k": 1_000, "M": 1_000_000}


class Command(BaseCommand):
    """In databases of its own, which are dropped afterwards."""

    help = (
        "Measures the hot queries, requests a second of the API, or layouts of the messages, each beside what it is"
        " measured by; or the watching of the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        names = [case.name for case in CASES]
        parser.add_argument(
            "section",
            nargs="?",
            choices=("queries", "http", "layouts", "monitor"),
            default="queries",
            help="%(default)s",
        )
        parser.add_argument(
            "--messages", type=_number, help=f"rows to measure on, such as 500k or 5M ({_sizes()})"
        )
        parser.add_argument("--copies", type=_number, help="layouts: of each message (2)")
        parser.add_argument("--rounds", type=_number, help="of which medians or percentiles are taken")
        parser.add_argument("--seconds", type=float, help="of each measurement")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
        parser.add_argument("--svg", type=Path, metavar="FILE", help="queries: draw the figures there, too")
        parser.add_argument(
            "--keep",
            action="store_true",
            help="queries, layouts: keep the data on the server; kept data of this size is used the next time",
        )
        parser.add_argument("--forget", action="store_true", help="drop all kept data, and measure nothing")
        parser.add_argument(
            "--compare", type=Path, metavar="FILE", help="queries: end with 2 where a ratio got worse"
        )
        parser.add_argument(
            "--allowed", type=float, default=0.25, help="queries: how much worse it may be (%(default)s)"
        )
        parser.add_argument(
            "--connections",
            type=_number,
            default=http.Plan.connections,
            help="http, monitor: that the client keeps busy (%(default)s)",
        )
        parser.add_argument(
            "--year",
            type=float,
            default=1.0,
            metavar="SHARE",
            help="monitor: of a year's history (%(default)s)",
        )
        parser.add_argument(
            "--only",
            nargs="+",
            choices=names,
            default=names,
            metavar="CASE",
            help=f"http: {', '.join(names)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        earlier = _earlier(options["compare"]) if options["compare"] else None
        if options["forget"]:
            self._forget()
            return
        try:
            result = self._measured(options)
        except OperationalError as error:
            raise CommandError(f"{AWAY}\n{error}") from error
        except (ServerFailedError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            options["json"].write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
        if options["svg"] and options["section"] == "queries":
            options["svg"].write_text(plot.svg(result))
        if earlier and (found := figures.regressions(result, earlier, allowed=options["allowed"])):
            raise CommandError("\n".join(found), returncode=2)

    def _measured(self, options: dict[str, Any]) -> dict[str, Any]:
        given = {
            name: options[name] for name in ("messages", "rounds", "seconds") if options[name] is not None
        }
        if options["section"] == "queries":
            result = queries.run(queries.Plan(**given, keep=options["keep"]), self._say)
            figures.show(self.stdout, result)
            return result
        if options["section"] == "layouts":
            copies = {"copies": options["copies"]} if options["copies"] else {}
            plan = layouts.Plan(**given, **copies, keep=options["keep"])
            result = layouts.run(plan, self._say)
            layouts.show(self.stdout, result)
            return result
        if options["section"] == "monitor":
            given.pop("rounds", None)
            return self._watched(
                monitor.Plan(**given, connections=options["connections"], share=options["year"])
            )
        chosen = [case for case in CASES if case.name in options["only"]]
        result = http.run(http.Plan(**given, connections=options["connections"], cases=chosen), self._say)
        report.show(self.stdout, result)
        return result

    def _watched(self, plan: monitor.Plan) -> dict[str, Any]:
        result = monitor.run(plan, self._say)
        monitor.show(self.stdout, result)
        return result

    def _forget(self) -> None:
        try:
            names = kept.kept()
            kept.forget(names)
        except psycopg.OperationalError as error:
            raise CommandError(f"{AWAY}\n{error}") from error
        self._say(f"Dropped {', '.join(names)}" if names else "No data is kept")

    def _say(self, text: str) -> None:
        console.say(self.stderr, text)


def _sizes() -> str:
    return f"{queries.Plan.messages:,} for queries and layouts, {http.Plan.messages:,} for the others"


def _earlier(path: Path) -> dict[str, Any]:
    """The figures of an earlier run. Raises CommandError."""
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    if "queries" not in found:
        raise CommandError(f"{path} holds no figures of queries")
    return found


def _number(text: str) -> int:
    unit = UNITS.get(text[-1:], 1)
    if (value := int(text[:-1] if unit > 1 else text) * unit) < 1:
        raise ValueError(text)
    return value
