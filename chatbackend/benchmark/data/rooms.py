"""Who talks with whom: a few conversations hold most of the messages, a few people sit in most of the conversations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from random import Random
from uuid import UUID

SKEW = 0.9  # the n-th largest conversation holds n ** -SKEW as much as the largest
ACTIVITY = 0.5  # the n-th most active person sits in n ** -ACTIVITY as many
HUGE = 0.01  # share of the conversations that are groups of many
LARGEST_GROUP = 500


@dataclass(slots=True)
class Room:
    """One conversation. People are numbers; `gone` are those that left it, `sent` their last messages."""

    id: UUID
    type: str
    size: int
    people: Sequence[int]
    gone: frozenset[int] = frozenset()
    business: int | None = None
    last_seq: int = 0
    last_id: int = 0
    last_at: str = ""
    sent: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """Everybody and everything but the messages."""

    users: Sequence[UUID]
    rooms: Sequence[Room]
    agents: Sequence[Sequence[int]]  # of each business


def uuid7(random: Random, at: datetime) -> UUID:
    """As the application makes them, but from a seed."""
    stamp = int(at.timestamp() * 1000) << 80
    return UUID(int=stamp | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62))


def shape(random: Random, *, messages: int, users: int, conversations: int, begin: datetime) -> Shape:
    """At least as many messages as asked for would be a lie: sizes are rounded, `Dataset.messages` tells."""
    ids = [uuid7(random, begin) for _ in range(users)]
    agents = _agents(random, users, max(3, conversations // 500))
    weights = [(place + 1) ** -SKEW for place in range(conversations)]
    share = messages / sum(weights)
    sizes = [max(1, round(weight * share)) for weight in weights]
    return Shape(ids, _Rooms(random, users, agents, begin).of(sizes), agents)


def _agents(random: Random, users: int, businesses: int) -> list[list[int]]:
    """Up to a dozen people for each business."""
    return [random.sample(range(users), random.randint(1, min(12, users))) for _ in range(businesses)]


class _Rooms:
    def __init__(self, random: Random, users: int, agents: Sequence[Sequence[int]], begin: datetime) -> None:
        self.random, self.agents, self.begin = random, agents, begin
        self.everybody = range(users)
        self.activity = list(accumulate((place + 1) ** -ACTIVITY for place in self.everybody))
        self.businesses = list(accumulate(1 / (place + 1) for place in range(len(agents))))
        self.pairs: set[tuple[int, ...]] = set()

    def of(self, sizes: Sequence[int]) -> list[Room]:
        huge = max(5, int(len(sizes) * HUGE))
        return [self._room(size, place < huge) for place, size in enumerate(sizes)]

    def _room(self, size: int, huge: bool) -> Room:
        id, kind = uuid7(self.random, self.begin), 0.0 if huge else self.random.random()
        if kind < 0.3:
            people = self._crowd(
                self.random.randint(50, LARGEST_GROUP) if huge else self.random.randint(3, 9)
            )
            gone = frozenset(person for person in people[1:] if self.random.random() < 0.03)
            return Room(id, "group", size, people, gone)
        if kind < 0.5:
            (business,) = self.random.choices(range(len(self.agents)), cum_weights=self.businesses)
            staff = self.agents[business]
            people = [*self._others(1, staff), *self.random.sample(staff, min(2, len(staff)))]
            return Room(id, "business", size, people, business=business)
        return Room(id, "direct", size, self._pair())

    def _crowd(self, size: int) -> list[int]:
        """Different people, the active ones more often."""
        size = min(size, len(self.everybody) // 2)
        found: dict[int, None] = {}
        while len(found) < size:
            drawn = self.random.choices(self.everybody, cum_weights=self.activity, k=size - len(found))
            found.update(dict.fromkeys(drawn))
        return list(found)

    def _others(self, size: int, than: Sequence[int]) -> list[int]:
        while set(people := self._crowd(size)) & set(than):
            continue
        return people

    def _pair(self) -> list[int]:
        while (pair := tuple(sorted(self._crowd(2)))) in self.pairs:
            continue
        self.pairs.add(pair)
        return list(pair)
