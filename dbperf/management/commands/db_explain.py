"""`manage.py db_explain`: the plan of a statement."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dbperf.connections import Unavailable
from dbperf.explain import plan
from dbperf.explain.refusals import Refused
from dbperf.services import explaining


class Command(BaseCommand):
    """By the same gate as everybody. Ends with 2 where there is something odd about the plan and `--fail` is given."""

    help = "Explains one SELECT, or a statement that was seen running; the costliest step is marked."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sql", nargs="?", default="", help="one SELECT; - reads it from the input")
        parser.add_argument("--queryid", type=int, help="of a statement that was seen running")
        parser.add_argument("--param", action="append", help="the value of $1, then of $2, and so on")
        parser.add_argument("--analyze", action="store_true", help="run it, too, and measure")
        parser.add_argument(
            "--fail", action="store_true", help="end with 2 where there is something odd about it"
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = _explained(_question(options))
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found), indent=2))
        else:
            self.stdout.write("\n".join(_lines(found)))
        if found.warnings and options["fail"]:
            raise SystemExit(2)


def _question(options: dict[str, Any]) -> explaining.Question:
    sql = sys.stdin.read() if options["sql"] == "-" else options["sql"]
    if bool(sql) == (options["queryid"] is not None):
        raise CommandError("Give a SELECT, or --queryid.")
    return explaining.Question(
        sql=sql, queryid=options["queryid"], params=options["param"], analyze=options["analyze"]
    )


def _explained(question: explaining.Question) -> explaining.Explained:
    try:
        return explaining.explain(question, asker=explaining.Asker(door="command"))
    except Refused as refused:
        raise CommandError(f"{refused.detail} ({refused.code})") from None
    except (Error, Unavailable) as error:
        raise CommandError(f"the database does not answer: {error}", returncode=3) from error


def _lines(found: explaining.Explained) -> list[str]:
    how = "of any values" if found.generic else "measured" if found.analyzed else "expected"
    kind = "time" if found.analyzed else "cost"
    head = f"Cost {found.total_cost:,.0f}, {how}. Share of the {kind} by step; > marks the costliest."
    return [head, "", *plan.lines(found.nodes), "", *(found.warnings or ["Nothing odd about it."])]


def _as_json(found: explaining.Explained) -> dict[str, Any]:
    return {
        "statement": found.statement,
        "analyzed": found.analyzed,
        "generic": found.generic,
        "total_cost": found.total_cost,
        "nodes": [asdict(node) for node in found.nodes],
        "warnings": found.warnings,
        "plan": found.tree,
    }
