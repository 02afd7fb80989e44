"""`manage.py rotate_keys`: puts every key under the newest of ENCRYPTION_KEYS."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatbackend import console
from conversations.services import content_keys
from messaging.queries.contents import counts
from messaging.services import contents, keys
from messaging.services.contents import Done
from messaging.services.keys import Turned
from personal.services import keys as exports


class Command(BaseCommand):
    """Safe on a server at work, and may be stopped and run again."""

    help = (
        "Encrypts the keys of all files, exports and messages anew, by the first of ENCRYPTION_KEYS; afterwards the"
        " others can be left out. With --seal, also encrypts the files that were uploaded before there were keys and,"
        " with ENCRYPT_MESSAGES, the messages from before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--seal", action="store_true", help="also encrypt files and messages that are not")
        which.add_argument("--unseal", action="store_true", help="put messages back as they were said")
        parser.add_argument("--dry-run", action="store_true", help="only say which keys are in use")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ENCRYPTION_KEYS:
            raise CommandError("ENCRYPTION_KEYS is empty: there is no key to encrypt with")
        if options["unseal"] and settings.ENCRYPT_MESSAGES:
            raise CommandError("ENCRYPT_MESSAGES is on: what is said meanwhile would be sealed again")
        files, words = self._files(**options), self._messages(**options)
        self._report({**files, "messages": words}, as_json=options["json"])
        if left := len(files["left"]) + len(words["left"]):
            raise CommandError(
                f"{left} could not be read: damaged, or under a key that ENCRYPTION_KEYS lacks"
            )

    def _files(self, *, dry_run: bool, seal: bool, **options: Any) -> dict[str, Any]:
        rotated = sealed = Turned()
        if not dry_run:
            rotated = self._turn("Keys", keys.rotate(), total=-(-keys.older().count() // keys.BATCH))
            packed = exports.rotate()
            rotated = Turned(rotated.turned + packed.turned, [*rotated.left, *packed.left])
        if seal and not dry_run:
            sealed = self._turn("Files", keys.seal(), total=keys.plain().count())
        under = {name or "none": number for name, number in (keys.names() + exports.names()).items()}
        left = [*rotated.left, *sealed.left]
        return {"rotated": rotated.turned, "sealed": sealed.turned, "left": left, "under": under}

    def _messages(self, *, dry_run: bool, seal: bool, unseal: bool, **options: Any) -> dict[str, Any]:
        rotated, written = content_keys.Turned(), Done(0)
        if not dry_run:
            rotated = content_keys.rotate()
        if not dry_run and (unseal or (seal and settings.ENCRYPT_MESSAGES)):
            written = self._rewrite(seal=seal)
        lie = counts()._asdict() if settings.ENCRYPT_MESSAGES or unseal else {}
        left = [*rotated.left, *written.left]
        under = content_keys.names()
        return {
            "rotated": rotated.turned,
            "written": written.written,
            "left": left,
            "under": under,
            "lie": lie,
        }

    def _turn(self, title: str, steps: Iterator[Turned], *, total: int) -> Turned:
        done = Turned()
        with console.progress(self.stderr, title, total=total) as advance:
            for some in steps:
                done = Turned(done.turned + some.turned, [*done.left, *some.left])
                advance(f"{done.turned:,}")
        return done

    def _rewrite(self, *, seal: bool) -> Done:
        done = Done(0)
        with console.progress(self.stderr, "Messages", total=contents.steps()) as advance:
            for some in contents.rewrite(seal=seal):
                done = Done(done.written + some.written, [*done.left, *some.left])
                advance(f"{done.written:,}")
        return done

    def _report(self, found: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
            return
        words = found["messages"]
        self._table("Files", found["rotated"], found["under"], [("files encrypted", found["sealed"])])
        some = [
            ("sealed or opened", words["written"]),
            *((f"lie {how}", n) for how, n in words["lie"].items()),
        ]
        self._table("Messages", words["rotated"], words["under"], some)

    def _table(self, title: str, rotated: int, under: dict[str, int], more: list[tuple[str, int]]) -> None:
        rows = [("keys encrypted anew", rotated), *more]
        rows += [(f"now under {name}", number) for name, number in sorted(under.items())]
        console.table(self.stdout, title, ("", "number"), rows)
