"""`manage.py db_alerts`: what is wrong with the database for longer than a moment, out of what is kept."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dbperf.findings import Level
from dbperf.models import Alert
from dbperf.services import alerts

EXIT_FOUND = 2


class Command(BaseCommand):
    """Looks at nothing itself. Ends with 2 where an alert that is not muted is as bad as `--fail-on`."""

    help = "Lists the alerts that stand, and those that are muted; with --past also what is over."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--past", action="store_true", help="also what is over, the latest first")
        parser.add_argument(
            "--fail-on",
            choices=[str(level) for level in Level],
            default="critical",
            help="the level from which on the command ends with 2 (critical)",
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = alerts.shown()
        except Error as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
        rows = [*found.standing, *found.muted, *(found.past if options["past"] else [])]
        if options["json"]:
            self.stdout.write(json.dumps([alerts.as_json(row) for row in rows], indent=2))
        else:
            self.stdout.write("\n".join(map(_line, rows)) or "No alerts.")
        worst = Level(options["fail_on"]).rank
        if any(Level(row.level).rank <= worst for row in found.standing):
            raise SystemExit(EXIT_FOUND)


def _line(row: Alert) -> str:
    told = alerts.as_json(row)
    muted = told["muted"]
    note = f"  (muted by {muted['by']} until {muted['until'][:16]}: {muted['reason']})" if muted else ""
    span = f"{(told['fired_at'] or '')[:16]} to {(told['resolved_at'] or '')[:16]}"
    return f"{row.level or 'over':<8} {row.check_name}: {row.detail}  [{span}]{note}"
