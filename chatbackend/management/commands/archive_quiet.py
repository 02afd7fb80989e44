"""`manage.py archive_quiet`: puts away the conversations where nothing is said any more."""

from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chatbackend import console
from conversations.queries.archive import archive


class Command(BaseCommand):
    """Safe on a server at work, and may be stopped and run again: each transaction is a hundred conversations."""

    help = (
        "Archives conversations that have been quiet for long, for those who have read everything in them and did not"
        " pin them. The next message brings them back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=settings.ARCHIVE_AFTER_DAYS,
            metavar="N",
            help="quiet for more than so many days (ARCHIVE_AFTER_DAYS: %(default)s)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say for how many people")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        days, look = options["days"], options["dry_run"]
        if not 1 <= days <= 36_500:
            raise CommandError(
                "Give --days, from 1 to 36500: ARCHIVE_AFTER_DAYS says that nothing is archived."
            )
        seats = sum(archive(before=timezone.now() - timedelta(days=days), look=look))
        if options["json"]:
            result = {"days": days, "dry_run": look, "seats": seats}
            self.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
            return
        columns = ("quiet for more than", "would be archived for" if look else "archived for")
        console.table(self.stdout, "", columns, [(f"{days} days", f"{seats:,} seats")])
