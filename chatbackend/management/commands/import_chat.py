"""`manage.py import_chat`: brings in what Slack, Mattermost or Zulip exported."""

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatbackend import console
from conversations.exceptions import ChatError
from conversations.services.moving import mapped
from messaging.moving import mattermost, slack, zulip
from messaging.moving.archive import Archive
from messaging.moving.spool import Spool
from messaging.services.moving import EMPTY, Moved, move_in


class Reader(NamedTuple):
    """How exports of one kind of server are read: into a spool, in so many steps, each of which is named."""

    read: Callable[[Archive, Spool], Iterator[str]]
    steps: Callable[[Archive], int]


READERS = {
    slack.NAME: Reader(slack.read, slack.steps),
    mattermost.NAME: Reader(mattermost.read, mattermost.steps),
    zulip.NAME: Reader(zulip.read, zulip.steps),
}


class Command(BaseCommand):
    """May be stopped and run again: what is there already is not added twice."""

    help = (
        "Imports an export of Slack, Mattermost or Zulip, packed (ZIP) or unpacked: people, channels, direct"
        " conversations, messages with their times, threads, mentions, edits and reactions. Files stay behind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("server", choices=sorted(READERS), help="which server wrote the export")
        parser.add_argument("path", type=Path, metavar="PATH", help="the ZIP, the folder, or the .jsonl file")
        parser.add_argument(
            "--dry-run", action="store_true", help="read everything, say what would come, write nothing"
        )
        parser.add_argument(
            "--accounts",
            type=Path,
            metavar="FILE",
            help="CSV of `e-mail address,username` of people who are here",
        )
        parser.add_argument(
            "--label", default="", help="tells several servers of one kind apart; the same at every run"
        )
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        source = ":".join(filter(None, (options["server"], options["label"])))
        accounts = _accounts(options["accounts"]) if options["accounts"] else {}
        try:
            mapped(accounts)
            with Spool(complain=self._complain) as spool:
                self._read(spool, options["server"], options["path"])
                done = None if options["dry_run"] else self._write(spool, source, accounts)
                summary = _summary(spool, done)
        except ChatError as error:
            raise CommandError(error.detail) from error
        summary["seconds"] = round(time.monotonic() - began, 2)
        title = "Would be imported; nothing was written" if options["dry_run"] else "Imported"
        self._report(title, summary, as_json=options["json"])

    def _complain(self, text: str) -> None:
        console.say(self.stderr, f"Left out: {text}")

    def _read(self, spool: Spool, server: str, path: Path) -> None:
        reader = READERS[server]
        with (
            closing(Archive(path)) as archive,
            console.progress(self.stderr, "Reading", total=reader.steps(archive)) as advance,
        ):
            for name in reader.read(archive, spool):
                advance(name)

    def _write(self, spool: Spool, source: str, accounts: dict[str, str]) -> Moved:
        with console.progress(self.stderr, "Importing", total=spool.count("room")) as advance:
            return move_in(spool, source=source, accounts=accounts, progress=advance)

    def _report(self, title: str, summary: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
            return
        rows = [
            (name.replace("_", " "), _plain(value))
            for name, value in summary.items()
            if value not in ({}, [])
        ]
        console.table(self.stdout, title, ("", ""), rows)


def _accounts(file: Path) -> dict[str, str]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"Cannot read {file}: {error}") from error
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or "@" not in row[0] or not row[1]:
            raise CommandError(f"{file}:{number}: a line is an e-mail address, a comma and a username")
    return dict(rows)


def _summary(spool: Spool, done: Moved | None) -> dict[str, Any]:
    read = {
        "people": spool.count("person"),
        "conversations": spool.count("room"),
        "messages": spool.count("said"),
        "reactions": spool.count_reactions(),
    }
    left = spool.left_out + (done.left_out if done else Counter())
    if empty := spool.count_empty():
        left[EMPTY] = empty
    written = (
        {"accounts_made": done.accounts, "added": done.added, "already_there": done.present} if done else {}
    )
    return {
        "read": read,
        **written,
        "left_out": dict(sorted(left.items())),
        "not_understood": spool.bad_places,
        "first_not_understood": spool.bad,
    }


def _plain(value: object) -> object:
    """A cell for what JSON nests."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {count:,}" for name, count in value.items())
    return "\n".join(value) if isinstance(value, list) else value
