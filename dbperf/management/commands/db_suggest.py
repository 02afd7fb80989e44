"""`manage.py db_suggest`: what could be better about the indexes, as SQL and as lines of models."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dbperf import checks
from dbperf.aliases import MAINTENANCE
from dbperf.connections import Database, Unavailable, alias_for, monitor
from dbperf.services.telling import KINDS


class Command(BaseCommand):
    """Looks by itself and keeps nothing. Ends with 2 where there is something to suggest and `--fail` is given."""

    help = "Suggests what to do about indexes: drop, add, rebuild, declare."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", choices=sorted(KINDS), help="only these")
        parser.add_argument(
            "--prove",
            action="store_true",
            help="build each missing index on trial on tables up to 64 MB, and take it back; keeps others from writing"
            " to that table meanwhile",
        )
        parser.add_argument("--fail", action="store_true", help="end with 2 where there is any")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [KINDS[options["kind"]]] if options["kind"] else list(KINDS.values())
        try:
            on = Database(alias_for(MAINTENANCE)) if options["prove"] else None
            outcome = checks.run(checks.context(monitor(), build_on=on), names)
        except (Error, Unavailable) as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
        found = [finding.as_json() for finding in outcome.findings]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, default=str))
        else:
            self.stdout.write("\n".join(_lines(found)))
        if found and options["fail"]:
            raise SystemExit(2)


def _lines(found: list[dict[str, Any]]) -> list[str]:
    """SQL that can be read through and pasted: what is no statement is a comment."""
    lines = []
    for each in found:
        lines += [f"-- {each['level']}: {each['detail']}", f"-- {each['remedy']['text']}"]
        lines += [f"-- {each['remedy']['model']}"] if each["remedy"]["model"] else []
        lines += [each["remedy"]["sql"], ""] if each["remedy"]["sql"] else [""]
    return lines or ["-- Nothing to suggest."]
