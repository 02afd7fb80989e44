"""`manage.py db_report`: every check, now."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dbperf import checks
from dbperf.connections import Unavailable, monitor
from dbperf.findings import Finding, Level

EXIT_FOUND = 2


class Command(BaseCommand):
    """Looks by itself and keeps nothing. Ends with 2 where something is as bad as `--fail-on`."""

    help = "Runs the checks of the database and says what they found, worst first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="append",
            default=[],
            choices=sorted(checks.found()),
            metavar="NAME",
            help="only this one; repeat for several",
        )
        parser.add_argument(
            "--fail-on",
            choices=[str(level) for level in Level],
            default="critical",
            help="the level from which on the command ends with 2 (critical)",
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asked = checks.context(monitor())
            outcome = checks.run(asked, options["check"])
        except (Error, Unavailable) as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(asked, outcome), indent=2, default=str))
        else:
            self.stdout.write("\n".join(_lines(asked, outcome)))
        worst = Level(options["fail_on"]).rank
        if any(finding.level.rank <= worst for finding in outcome.findings):
            raise SystemExit(EXIT_FOUND)


def _as_json(asked: checks.Context, outcome: checks.Outcome) -> dict[str, Any]:
    return {
        "server": asked.capabilities.server_version,
        "findings": [finding.as_json() for finding in outcome.findings],
        "skipped": [asdict(skipped) for skipped in outcome.skipped],
        "gaps": [asdict(gap) for gap in asked.capabilities.gaps],
    }


def _lines(asked: checks.Context, outcome: checks.Outcome) -> list[str]:
    lines = [f"{asked.capabilities.database} on PostgreSQL {asked.capabilities.server_version}", ""]
    lines += [line for finding in outcome.findings for line in _finding(finding)]
    lines += ["" if outcome.findings else "Nothing found."]
    lines += [f"skipped  {skipped.check}: {skipped.reason}" for skipped in outcome.skipped]
    lines += [
        f"missing  {gap.missing}: {gap.costs}\n         {gap.remedy}" for gap in asked.capabilities.gaps
    ]
    return lines


def _finding(finding: Finding) -> list[str]:
    sql = [f"         {finding.remedy.sql}"] if finding.remedy.sql else []
    model = [f"         {finding.remedy.model}"] if finding.remedy.model else []
    head = f"{finding.level:<8} {finding.check}: {finding.detail}"
    return [head, f"         {finding.remedy.text}", *sql, *model]
