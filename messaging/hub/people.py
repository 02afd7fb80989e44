"""Who is connected to this process, with how many sockets, and how fast they write."""

from collections.abc import Iterable, Iterator

from django.conf import settings

from messaging.hub.bucket import Bucket
from messaging.hub.socket import Socket

MAX_SOCKETS = 10  # of one person in one process
SENDS_PER_S = 20
BURST = 40


class _Person:
    __slots__ = ("sends", "sockets")

    def __init__(self, sends: Bucket | None) -> None:
        self.sockets: set[Socket] = set()
        factor = settings.RATE_LIMIT_FACTOR
        self.sends = sends or Bucket(rate=SENDS_PER_S * factor, burst=BURST * factor)


class People:
    """Sockets by person."""

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}
        self._left: dict[str, Bucket] = {}  # of those who went, so that coming back allows nobody more

    def add(self, socket: Socket) -> bool:
        """False, and nothing changed, where the person has enough sockets."""
        person = self._people.get(socket.user)
        if person is None:
            person = self._people[socket.user] = _Person(self._left.pop(socket.user, None))
        if len(person.sockets) >= MAX_SOCKETS:
            return False
        person.sockets.add(socket)
        return True

    def remove(self, socket: Socket) -> None:
        """Does nothing where it was not added."""
        person = self._people.get(socket.user)
        if person is not None:
            person.sockets.discard(socket)
            if not person.sockets:
                del self._people[socket.user]
                self._left[socket.user] = person.sends

    def tidy(self, now: float) -> None:
        """Forgets of those who went how fast they wrote, once it does not matter any more."""
        for user in [user for user, sends in self._left.items() if sends.full(now)]:
            del self._left[user]

    def has(self, socket: Socket) -> bool:
        """Whether it is connected."""
        person = self._people.get(socket.user)
        return person is not None and socket in person.sockets

    def sockets(self, user: str) -> Iterable[Socket]:
        """A person's sockets."""
        person = self._people.get(user)
        return tuple(person.sockets) if person else ()

    def active_at(self) -> dict[str, float]:
        """When each person here last did something, on any of their devices."""
        return {
            user: max(socket.active_at for socket in person.sockets) for user, person in self._people.items()
        }

    def all(self) -> Iterator[Socket]:
        """Every socket of this process, as of now."""
        return iter([socket for person in self._people.values() for socket in person.sockets])

    def counts(self) -> tuple[int, int]:
        """Sockets and people."""
        people = list(self._people.values())
        return sum(len(person.sockets) for person in people), len(people)

    def __bool__(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._people)

    def may_send(self, user: str, now: float) -> bool:
        """Whether this person may write once more at this moment."""
        person = self._people.get(user)
        return person is not None and person.sends.take(now)
