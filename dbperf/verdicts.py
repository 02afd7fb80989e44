"""Whether an index that was built on advice was worth it: what a call of its statement took before, and takes since."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

MIN_CALLS: Final = 50  # since it was built
LARGEST_SHARE: Final = 0.7  # of what a call took before
PATIENCE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Use:
    """How often a statement was called, and what one call took: time, and pages touched."""

    calls: int = 0
    ms: float = 0.0
    blocks: float = 0.0


class Verdict(StrEnum):
    """`open`: too early to tell, or its statement is called too seldom."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    WITHOUT_GAIN = "without gain"
    DROPPED = "dropped"


def verdict(before: Use, after: Use, *, scans: int, age: timedelta, counted: bool) -> Verdict:
    """`scans`: how often the index was read; not all of them are `counted` where replicas read as well."""
    enough = after.calls >= MIN_CALLS
    if enough and scans and (_less(after.ms, before.ms) or _less(after.blocks, before.blocks)):
        return Verdict.CONFIRMED
    unread = counted and not scans
    return Verdict.WITHOUT_GAIN if age >= PATIENCE and (enough or unread) else Verdict.OPEN


def _less(after: float, before: float) -> bool:
    return before > 0 and after <= LARGEST_SHARE * before
