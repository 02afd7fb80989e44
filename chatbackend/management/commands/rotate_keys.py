"""`manage.py rotate_keys`: puts every encrypted file under the newest key."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatbackend import console
from messaging.services import keys
from messaging.services.keys import Turned


class Command(BaseCommand):
    """Safe on a server at work, and may be stopped and run again."""

    help = (
        "Encrypts the keys of all files anew, by the first of ENCRYPTION_KEYS; afterwards the others can be left out."
        " With --seal, also encrypts the files that were uploaded before there were keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seal", action="store_true", help="also encrypt files that are not")
        parser.add_argument("--dry-run", action="store_true", help="only say which keys are in use")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ENCRYPTION_KEYS:
            raise CommandError("ENCRYPTION_KEYS is empty: there is no key to encrypt with")
        rotated = sealed = Turned()
        if not options["dry_run"]:
            rotated = self._carry_out("Keys", keys.rotate(), total=-(-keys.older().count() // keys.BATCH))
        if options["seal"] and not options["dry_run"]:
            sealed = self._carry_out("Files", keys.seal(), total=keys.plain().count())
        left = [*rotated.left, *sealed.left]
        self._report({"rotated": rotated.turned, "sealed": sealed.turned}, left, as_json=options["json"])
        if left:
            raise CommandError(
                f"{len(left)} could not be read: damaged, or under a key that ENCRYPTION_KEYS lacks"
            )

    def _carry_out(self, title: str, steps: Iterator[Turned], *, total: int) -> Turned:
        done = Turned()
        with console.progress(self.stderr, title, total=total) as advance:
            for some in steps:
                done = Turned(done.turned + some.turned, [*done.left, *some.left])
                advance(f"{done.turned:,}")
        return done

    def _report(self, done: dict[str, int], left: list[UUID], *, as_json: bool) -> None:
        under = {name or "none": number for name, number in keys.names().items()}
        if as_json:
            found = {**done, "left": left, "under": under}
            self.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
            return
        rows = [("keys encrypted anew", done["rotated"]), ("files encrypted", done["sealed"])]
        rows += [(f"now under {name}", number) for name, number in sorted(under.items())]
        console.table(self.stdout, "Files", ("", "number"), rows)
