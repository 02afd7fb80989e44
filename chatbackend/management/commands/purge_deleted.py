"""`manage.py purge_deleted`: lets go of what was deleted long ago."""

import math
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from chatbackend import console
from messaging.jobs import Gone, purge_deleted
from messaging.queries import purge as queries


class Command(BaseCommand):
    """Safe on a server at work, and may be stopped and run again: each transaction is a thousand rows at most."""

    help = (
        "Removes conversations that were deleted long ago, with everything in them, and forgets the client_id of"
        " messages that were. A deleted message keeps its place, without content, for ever."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            default=settings.RETENTION_DAYS,
            metavar="N",
            help="deleted more than so many days ago (RETENTION_DAYS: %(default)s)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - timedelta(days=options["days"])
        due = Gone(*queries.due(before))
        gone = Gone()
        if not options["dry_run"]:
            with console.progress(self.stderr, "Purging", total=_transactions(due)) as advance:
                for some in purge_deleted(before=before):
                    gone += some
                    advance(f"{sum(gone):,} of {sum(due):,}")
        shown = {"days": options["days"], "dry_run": options["dry_run"]}
        self._report(shown, due if options["dry_run"] else gone, as_json=options["json"])

    def _report(self, shown: dict[str, Any], gone: Gone, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps({**shown, **gone._asdict()}, option=orjson.OPT_INDENT_2).decode())
            return
        title = f"Deleted more than {shown['days']} days ago" + ", and still there" * shown["dry_run"]
        rows = [
            ("conversations", gone.conversations),
            ("messages in them", gone.messages),
            ("client_ids of other messages", gone.client_ids),
        ]
        console.table(self.stdout, title, ("", "due" if shown["dry_run"] else "gone"), rows)


def _transactions(due: Gone) -> int:
    """About as many."""
    each = math.ceil(due.client_ids / queries.BATCH)
    return due.conversations + due.messages // queries.BATCH + each


def _days(text: str) -> int:
    if not 1 <= (days := int(text)) <= 36_500:
        raise ValueError(text)
    return days
