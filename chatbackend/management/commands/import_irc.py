"""`manage.py import_irc`: reads IRC logs into conversations."""

import time
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatbackend import console
from chatbackend.demo.accounts import ACCOUNTS
from conversations.exceptions import ChatError
from conversations.models import User
from messaging.services.irc import Found, Imported, find_logs, import_logs


class Command(BaseCommand):
    """May be stopped and run again: what is there already is not added twice."""

    help = (
        "Imports IRC logs (one file a day, YYYY-MM-DD in its name; lines `[HH:MM] <nick> text`, `[HH:MM]  * nick does`,"
        " `=== notice`): each nick becomes a user, each line a message with its time, each channel a group."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="a log, or a folder of logs")
        parser.add_argument(
            "--conversation", metavar="NAME", help="the group's name (default: the channel the logs name)"
        )
        parser.add_argument(
            "--member",
            action="append",
            metavar="USERNAME",
            dest="members",
            help="who may read it; repeat for several (default: those of the demo accounts that exist)",
        )
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        members = options["members"] or _demo_accounts()
        began = time.monotonic()
        try:
            found = find_logs(options["path"])
            with console.progress(self.stderr, "Importing", total=len(found.logs)) as advance:
                done = import_logs(
                    options["path"],
                    conversation=options["conversation"],
                    members=members,
                    progress=lambda file, lines: advance(f"{file.name} ({lines:,} lines)"),
                )
        except ChatError as error:
            raise CommandError(error.detail) from error
        self._report(_summary(done, found, members, time.monotonic() - began), as_json=options["json"])

    def _report(self, summary: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
            return
        rows = [(name.replace("_", " "), value) for name, value in summary.items() if not _empty(value)]
        console.table(self.stdout, "Imported", ("", ""), ((name, _plain(value)) for name, value in rows))


def _demo_accounts() -> list[str]:
    there = set(User.objects.active().filter(username__in=ACCOUNTS).values_list("username", flat=True))
    return [name for name in ACCOUNTS if name in there]


def _summary(done: Imported, found: Found, members: list[str], seconds: float) -> dict[str, Any]:
    return {
        "conversations": {name: str(room) for name, room in done.conversations.items()},
        "files": done.files,
        "lines": done.lines,
        "messages": done.messages,
        "actions": done.actions,
        "notices": done.notices,
        "users": len(done.people),
        "added": done.added,
        "already_there": done.present,
        "skipped": dict(done.skipped),
        "skipped_files": found.left_out,
        "readers": members,
        "seconds": round(seconds, 2),
        "lines_per_second": round(done.lines / seconds),
    }


def _empty(value: object) -> bool:
    return value in ({}, [])


def _plain(value: object) -> object:
    """A cell for what JSON nests."""
    if isinstance(value, dict):
        return "\n".join(
            f"{name}: {count:,}" if isinstance(count, int) else f"{name}: {count}"
            for name, count in value.items()
        )
    return ", ".join(value) if isinstance(value, list) else value
