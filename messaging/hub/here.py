"""Who is connected to this process, and whether they do anything."""

from collections.abc import Mapping

from conversations.presence import Status


class _Person:
    __slots__ = ("active_at", "left_at", "saved_at", "status")

    def __init__(self, now: float) -> None:
        self.active_at = now
        self.saved_at = float("-inf")
        self.left_at: float | None = None
        self.status: Status = "offline"


class Here:
    """Statuses by person. Times are seconds of any steady clock.

    Whoever did nothing for `away_after_s` at any device is away; whose last socket ended is offline `linger_s` later:
    who reloads a page was never gone.
    """

    def __init__(self, *, away_after_s: float, linger_s: float) -> None:
        self._away_after_s = away_after_s
        self._linger_s = linger_s
        self._people: dict[str, _Person] = {}
        self._due: set[str] = set()
        self._gone: dict[str, float] = {}  # when they last did something, for those who are to be saved yet

    def active(self, user: str, now: float) -> None:
        """A person did something, such as coming here."""
        person = self._people.get(user)
        if person is None:
            person = self._people[user] = _Person(now)
        person.active_at, person.left_at = now, None
        if person.status != "online":
            self._due.add(user)

    def leave(self, user: str, now: float) -> None:
        """A person's last socket ended."""
        if person := self._people.get(user):
            person.left_at = now
            self._due.add(user)

    def settle(self, now: float, *, everybody: bool = False) -> dict[str, Status]:
        """What changed since it was last asked. `everybody`: also who has become away, which takes a look at each."""
        changes: dict[str, Status] = {}
        for user in list(self._people) if everybody else list(self._due):
            person = self._people[user]
            status = self._status(person, now)
            if person.left_at is None or status == "offline":
                self._due.discard(user)
            if status != person.status:
                changes[user] = person.status = status
            if status == "offline":
                del self._people[user]
                self._gone[user] = person.active_at
        return changes

    def _status(self, person: _Person, now: float) -> Status:
        if person.left_at is not None and now - person.left_at >= self._linger_s:
            return "offline"
        return "away" if now - person.active_at >= self._away_after_s else "online"

    def status(self, user: str, now: float) -> Status:
        """What somebody is here at this moment, whether or not `settle` told of it."""
        person = self._people.get(user)
        return self._status(person, now) if person else "offline"

    def statuses(self) -> dict[str, Status]:
        """Everybody who is here."""
        return {user: person.status for user, person in self._people.items()}

    def unsaved(self, now: float, *, every_s: float) -> dict[str, float]:
        """Who did something since that was last saved, and when; who is still here, no more often than `every_s`."""
        here = {
            user: person.active_at
            for user, person in self._people.items()
            if person.active_at > person.saved_at
            and (now - person.saved_at >= every_s or person.status == "away")
        }
        return {**self._gone, **here}

    def saved(self, seen: Mapping[str, float]) -> None:
        """What `unsaved` gave is saved."""
        for user, at in seen.items():
            if self._gone.get(user) == at:
                del self._gone[user]
            if person := self._people.get(user):
                person.saved_at = at
