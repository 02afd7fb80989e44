"""`manage.py check_plans`: the hot queries' plans, held against what they promise."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dbperf.aliases import MONITOR
from dbperf.connections import Database, Unavailable, alias_for
from dbperf.plans import CONTRACTS
from dbperf.services import contracts


class Command(BaseCommand):
    """Carries the reading ones out once each, for somebody of the database at hand; changes nothing."""

    help = "Holds the plan of each registered query against its contract. Exit code 1: one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="QUERY", help="only these (all)")
        parser.add_argument("--database", default="", help="alias to look over (the monitor's)")
        parser.add_argument("--plans", action="store_true", help="show every plan, not only the broken ones'")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        unknown = set(options["names"]) - CONTRACTS.keys()
        if unknown:
            raise CommandError(
                f"No such query: {', '.join(sorted(unknown))}. There are: {', '.join(sorted(CONTRACTS))}"
            )
        try:
            found = contracts.check_all(Database(options["database"] or alias_for(MONITOR)), options["names"])
        except Unavailable as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([contracts.as_json(one) for one in found], indent=2))
        else:
            for one in found:
                self.stdout.write("\n".join(contracts.told(one, whole=options["plans"])))
        if broken := sorted({one.contract for one in found if one.broken}):
            raise CommandError(f"Broken: {', '.join(broken)}", returncode=1)
