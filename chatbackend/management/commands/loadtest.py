"""`manage.py loadtest`: many sockets, many messages, and what became of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from chatbackend import console
from chatbackend.benchmark.servers import SOCKETS, ServerFailedError
from chatbackend.loadtest.limits import TooFewFilesError
from chatbackend.loadtest.mixed import report as mixed_report
from chatbackend.loadtest.mixed import run as mixed
from chatbackend.loadtest.mixed.run import MixedPlan
from chatbackend.loadtest.process import LoadTestError
from chatbackend.loadtest.report import misses, show
from chatbackend.loadtest.run import Plan, run
from chatbackend.management.commands.bench import AWAY

PROFILE = (
    "many sockets in one conversation, or people in many rooms who read, list, search and send (%(default)s)"
)
STORM = "all but the senders hang up at once, and come back within so many seconds"


class Command(BaseCommand):
    """Against a running deployment with `--url`, else against servers and a database of its own."""

    help = "Holds many sockets, sends or does what people do, and reports latencies, losses and memory."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--profile", choices=("fanout", "mixed"), default="fanout", help=PROFILE)
        add("--sockets", type=_positive, default=Plan.sockets, help="in one conversation (%(default)s)")
        add(
            "--sends", type=float, default=Plan.sends_per_s, help="a second (%(default)s); 0 for idle sockets"
        )
        add("--senders", type=int, default=Plan.senders, help="sockets that send, in turn (at most 50)")
        add("--seconds", type=float, default=Plan.seconds, help="of sending (%(default)s)")
        add("--url", default="", help="of a running deployment that uses the same database and secrets")
        add("--pid", type=int, help="of its server on this machine, where it is not found by itself")
        add("--server", choices=SOCKETS, default=Plan.server, help="to start without --url (%(default)s)")
        add("--fanout", action="store_true", help="send as fast as the sockets take it, not --sends a second")
        add("--stock", action="store_true", help="measure the stock pattern of Channels beside it")
        add("--storm", type=float, default=Plan.storm_s, metavar="S", help=STORM)
        add("--users", type=_positive, default=MixedPlan.users, help="of the mixed profile (%(default)s)")
        add("--rate", type=float, default=0.0, help="their actions a second (a tenth of --users)")
        add("--max-p99-ms", type=float, help="of delivery, mixed: and of each action; else it fails")
        add("--max-lost", type=int, default=0, help="deliveries; above it the command fails (%(default)s)")
        add("--max-errors", type=int, default=0, help="mixed: requests that fail (%(default)s)")
        add("--json", type=Path, metavar="FILE", help="write the figures there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse(options)
        try:
            result, found = self._measured(options)
        except OperationalError as error:
            raise CommandError(f"{AWAY}\n{error}") from error
        except (LoadTestError, TooFewFilesError, ServerFailedError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            options["json"].write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
        if found:
            raise CommandError("; ".join(found), returncode=2)

    def _measured(self, options: dict[str, Any]) -> tuple[dict[str, Any], Sequence[str]]:
        """The figures, which are shown, and what of them is not good enough."""
        bounds = {name: options[name] for name in ("max_p99_ms", "max_lost")}
        if options["profile"] == "mixed":
            result = mixed.run(_mixed_plan(options), self._say)
            mixed_report.show(self.stdout, result)
            return result, mixed_report.misses(result, **bounds, max_errors=options["max_errors"])
        result = run(_plan(options), self._say)
        show(self.stdout, result)
        return result, misses(result, **bounds)

    def _say(self, text: str) -> None:
        console.say(self.stderr, text)


def _refuse(options: dict[str, Any]) -> None:
    if options["url"] and options["stock"]:
        raise CommandError("--stock needs a server of its own: leave --url out")
    if options["profile"] == "mixed" and (options["stock"] or options["fanout"] or options["storm"]):
        raise CommandError("--stock, --fanout and --storm belong to the profile fanout")


def _mixed_plan(options: dict[str, Any]) -> MixedPlan:
    return MixedPlan(**{name: options[name] for name in ("users", "rate", "seconds", "url", "pid", "server")})


def _plan(options: dict[str, Any]) -> Plan:
    return Plan(
        sockets=options["sockets"],
        sends_per_s=options["sends"],
        senders=options["senders"],
        seconds=options["seconds"],
        url=options["url"],
        pid=options["pid"],
        server=options["server"],
        fanout=options["fanout"],
        stock=options["stock"],
        storm_s=options["storm"],
    )


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError(text)
    return value
