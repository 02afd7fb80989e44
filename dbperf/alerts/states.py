"""Where a fault stands after each sample, and when word is sent of it. No I/O.

A level rises when two samples in a row are above it, and falls when three in a row are below: one look that happens to
see something wakes nobody, and one that happens to see nothing calls nobody off. Beginning and end are the same rule:
no fault is the lowest level.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dbperf.findings import Level

RISE: Final = 2
FALL: Final = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """`level`: None while there is no fault. `run`: samples in a row above it, or below it (negative). `bound`: the
    nearest to it of these."""

    level: Level | None = None
    run: int = 0
    bound: Level | None = None

    @property
    def at_rest(self) -> bool:
        """Whether there is no fault and none on its way."""
        return self.level is None and self.run == 0


class Word(StrEnum):
    """What is said of a turn."""

    FIRED = "fired"
    RAISED = "raised"
    RESOLVED = "resolved"


def severity(level: Level | None) -> int:
    """0 for no fault, 3 for critical."""
    return 0 if level is None else 3 - level.rank


def sampled(before: Standing, seen: Level | None) -> Standing:
    """After one more sample; None where the fault was not there."""
    way = severity(seen) - severity(before.level)
    if way == 0:
        return Standing(before.level)
    goes_on = before.run * way > 0
    run = (before.run if goes_on else 0) + (1 if way > 0 else -1)
    nearer = min if way > 0 else max
    bound = nearer(seen, before.bound, key=severity) if goes_on else seen
    return Standing(bound) if run in (RISE, -FALL) else Standing(before.level, run, bound)


def word(told: Level | None, level: Level | None, *, hushed: bool) -> Word | None:
    """What there is to say, where word was last sent of `told`. Easing is not worth one, short of the end."""
    if hushed or severity(level) == severity(told):
        return None
    if level is None:
        return Word.RESOLVED
    if told is None:
        return Word.FIRED
    return Word.RAISED if severity(level) > severity(told) else None
