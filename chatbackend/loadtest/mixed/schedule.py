"""Who does what when: as by chance, and the same each time."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from chatbackend.loadtest.mixed.load import SHARES


class Act(NamedTuple):
    """Something that `person` does `at_s` seconds after the beginning."""

    at_s: float
    kind: str
    person: int


def acts(*, seed: int, people: int, per_s: float, seconds: float) -> Iterator[Act]:
    """In order. The pauses between them are those of people who know nothing of each other."""
    chance = random.Random(seed)
    kinds, shares = list(SHARES), list(SHARES.values())
    at_s = chance.expovariate(per_s)
    while at_s < seconds:
        (kind,) = chance.choices(kinds, shares)
        yield Act(at_s, kind, chance.randrange(people))
        at_s += chance.expovariate(per_s)
