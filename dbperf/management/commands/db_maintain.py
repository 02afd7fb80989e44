"""`manage.py db_maintain`: VACUUM ANALYZE, ANALYZE or REINDEX of what is due, or of the tables named."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dbperf.connections import Unavailable
from dbperf.maintenance.choosing import Operation
from dbperf.models import MaintenanceRun
from dbperf.services import maintaining

LOOK_S = 2  # at whether what it waits for is through


class Command(BaseCommand):
    """Out of everybody's way: it gives a table back as soon as somebody waits for it."""

    help = "Vacuums and analyzes what is due. Exit code 1: a table was stopped or failed; 3: the database"
    help += " does not answer; 4: a round is under way."

    def add_arguments(self, parser: CommandParser) -> None:
        operations = [each.value for each in Operation]
        parser.add_argument("--operation", choices=operations, default=Operation.VACUUM_ANALYZE.value)
        parser.add_argument(
            "--table", action="append", default=[], help="this one, whether or not it is due; repeat"
        )
        parser.add_argument(
            "--max-minutes", type=int, default=maintaining.NIGHT_MINUTES, help="(%(default)s)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done, and why")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        operation = Operation(options["operation"])
        try:
            rows, failed = (self._planned if options["dry_run"] else self._done)(operation, options)
        except maintaining.NoSuchTable as error:
            raise CommandError(str(error)) from None
        except maintaining.AlreadyRunning as running:
            raise CommandError(str(running), returncode=4) from None
        except (Error, Unavailable) as error:
            raise CommandError(f"the database does not answer: {error}", returncode=3) from error
        self._tell(rows, failed, options)

    def _tell(self, rows: list[dict[str, Any]], failed: str, options: dict[str, Any]) -> None:
        lines = "\n".join(map(_line, rows)) or ("" if failed else "Nothing is due.")
        self.stdout.write(json.dumps(rows, indent=2) if options["json"] else lines)
        if failed:
            raise CommandError(failed, returncode=1)
        if bad := [row["table"] for row in rows if row["outcome"] in {"stopped", "failed"}]:
            raise CommandError(f"Not done: {', '.join(bad)}", returncode=1)

    def _planned(self, operation: Operation, options: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        found = maintaining.plan(operation, asked=options["table"])
        return [
            {
                "table": one.title,
                "why": one.why,
                "outcome": "skipped" if one.skip else "due",
                "note": one.skip,
            }
            for one in found
        ], ""

    def _done(self, operation: Operation, options: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        run = maintaining.begin(
            operation, asked=options["table"], by="manage.py", most_minutes=options["max_minutes"]
        )
        try:
            done = self._carried_out(run.pk)
        except KeyboardInterrupt:
            maintaining.cancel(run.pk)
            raise
        return list(done.results), done.note if done.state == "failed" else ""

    def _carried_out(self, run_id: int) -> MaintenanceRun:
        told = False
        while (done := maintaining.carry_out(run_id)) is None:
            if not maintaining.waits(run_id):
                raise CommandError("a worker took it, or somebody cancelled it")
            if not told:
                self.stderr.write(f"It {maintaining.WAITS}.")
                told = True
            time.sleep(LOOK_S)
        return done


def _line(row: dict[str, Any]) -> str:
    took = (
        f" in {row['took_s']:.1f} s, {_rows(row['dead_before'])} before, {_rows(row['dead_after'])} after"
        if "took_s" in row and row["outcome"] == "done"
        else ""
    )
    note = f"; {row['note']}" if row["note"] else ""
    return f"{row['table']}: {row['outcome']}{took} ({row['why']}){note}"


def _rows(count: int | None) -> str:
    return "an unknown number of dead rows" if count is None else f"{count:,} dead rows"
