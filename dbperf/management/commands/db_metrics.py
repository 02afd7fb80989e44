"""`manage.py db_metrics`: how the database is now."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dbperf.connections import Unavailable
from dbperf.services import looking
from dbperf.units import duration, share


class Command(BaseCommand):
    """Looks by itself: it needs no worker and no history."""

    help = "Sessions, locks, transactions and cache of the database at this moment."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            now = looking.pulse()
        except (Error, Unavailable) as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
        if options["json"]:
            self.stdout.write(json.dumps(now, indent=2, default=float))
        else:
            self.stdout.write("\n".join(_lines(now)))


def _lines(now: dict[str, Any]) -> list[str]:
    hit, read = now["blocks_hit"], now["blocks_read"]
    return [
        f"connections          {now['connections']} of {now['available']}"
        f" ({now['active']} active, {now['idle']} idle, {now['idle_in_transaction']} idle in transaction)",
        f"waiting for a lock   {now['waiting']}",
        f"longest transaction  {duration(now['longest_transaction_s'])}",
        f"cache hit ratio      {share(hit, hit + read)} % of {hit + read:,} blocks",
        f"transactions         {now['commits']:,} committed, {now['rollbacks']:,} rolled back,"
        f" {now['deadlocks']:,} deadlocks",
        f"counted since        {now['stats_reset'] or 'the database was made'}",
    ]
