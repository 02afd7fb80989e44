"""`manage.py db_rotate_indexes`: the indexes over the recent part of tables begin anew."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from dbperf import rotation
from dbperf.connections import Unavailable


class Command(BaseCommand):
    """Nobody is kept from writing meanwhile. Safe to run again wherever it broke off."""

    help = "Builds the indexes over the last days anew, and drops what came before; weekly by the clock."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("windows", nargs="*", metavar="WINDOW", help="only these (default: all)")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if unknown := set(options["windows"]) - rotation.WINDOWS.keys():
            raise CommandError(f"no such window: {', '.join(sorted(unknown))}")
        wanted = options["windows"] or rotation.WINDOWS
        done = [self._rotate(rotation.WINDOWS[name]) for name in wanted]
        for each in done:
            self.stdout.write(json.dumps(asdict(each)) if options["json"] else _told(each))

    def _rotate(self, window: rotation.Window) -> rotation.Rotation:
        try:
            return rotation.rotate(
                window, rotation.maintenance(), now=timezone.now(), tell=lambda text: self.stderr.write(text)
            )
        except rotation.Busy:
            raise CommandError("another rotation is under way") from None
        except Unavailable as error:
            raise CommandError(f"{window.name}: {error}; the index of before is still there") from error


def _told(done: rotation.Rotation) -> str:
    if done.outcome == rotation.Outcome.DECLINED:
        left = f"{done.index} stays" if done.index else "there is none"
        return f"{done.window}: declined, the planner would not use a new one; {left}"
    return f"{done.window}: {done.outcome}, {done.index}"
