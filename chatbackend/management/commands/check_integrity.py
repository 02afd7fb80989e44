"""`manage.py check_integrity`: whether what must always hold does."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatbackend import console
from conversations.queries import integrity as of_conversations
from conversations.queries.integrity import Fault, Rule
from conversations.services import integrity
from messaging.queries import integrity as of_messages
from messaging.services import integrity as messages

RULES = (*of_conversations.RULES, *of_messages.RULES)
REPAIRS = {**integrity.REPAIRS, **messages.REPAIRS}
SHOWN = 20  # faults of a rule


@dataclass
class Tally:
    """What was found so far."""

    conversations: int = 0
    found: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    shown: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.found[fault.rule] += 1
        if self.found[fault.rule] <= SHOWN:
            self.shown.append(fault)

    def repaired(self, rule: str) -> int:
        """How many faults of a rule are there no more."""
        return max(0, self.found[rule] - self.left[rule])


class Command(BaseCommand):
    """Safe on a server at work: each question is one statement and locks nothing; a repair locks one conversation."""

    help = "Holds every conversation against the invariants; ends with 1 where one does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="put right what can be without guessing")
        parser.add_argument("--conversation", type=UUID, metavar="ID", help="only this one")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        only = options["conversation"]
        batches = [[only]] if only else integrity.batches()
        steps = 1 if only else math.ceil(integrity.estimate() / integrity.BATCH)
        tally = Tally()
        with console.progress(self.stderr, "Checking", total=steps) as advance:
            for ids in batches:
                self._check(ids, tally, repairing=options["repair"])
                advance(f"{tally.conversations:,} conversations, {tally.found.total():,} faults")
        self._report(tally, as_json=options["json"])
        if left := tally.left.total():
            raise CommandError(f"{left:,} faults" + _advice(tally, repairing=options["repair"]))

    def _check(self, ids: list[UUID], tally: Tally, *, repairing: bool) -> None:
        tally.conversations += len(ids)
        found = list(integrity.broken(RULES, ids))
        for _, fault in found:
            tally.add(fault)
        left = self._repair(found) if repairing and found else found
        tally.left.update(fault.rule for _, fault in left)

    def _repair(self, found: list[tuple[Rule, Fault]]) -> list[tuple[Rule, Fault]]:
        """Returns what is left. Twice over: one repair may uncover another fault."""
        ids = list({fault.conversation for _, fault in found})
        for _ in range(2):
            for rule, conversation in {(rule, fault.conversation) for rule, fault in found}:
                integrity.repair(rule, conversation, REPAIRS)
            found = list(integrity.broken(RULES, ids))
        return found

    def _report(self, tally: Tally, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps(_summary(tally), option=orjson.OPT_INDENT_2).decode())
            return
        rows = [(rule.holds, tally.found[rule.name], tally.repaired(rule.name)) for rule in RULES]
        console.table(
            self.stdout, f"{tally.conversations:,} conversations", ("holds", "faults", "repaired"), rows
        )
        for fault in tally.shown:
            console.say(self.stdout, f"{fault.rule} {fault.conversation}: {fault.detail}")


def _summary(tally: Tally) -> dict[str, Any]:
    return {
        "conversations": tally.conversations,
        "rules": {
            rule.name: {"faults": tally.found[rule.name], "repaired": tally.repaired(rule.name)}
            for rule in RULES
        },
        "faults": [
            {"rule": fault.rule, "conversation": str(fault.conversation), "detail": fault.detail}
            for fault in tally.shown
        ],
    }


def _advice(tally: Tally, *, repairing: bool) -> str:
    if repairing:
        return " are left: they cannot be put right without guessing"
    mendable = sum(count for name, count in tally.found.items() if name in REPAIRS)
    return f"; --repair puts right what it can of {mendable:,} of them" if mendable else ""
