"""Whose presence is watched by which sockets of this process, and what they were told."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from conversations.presence import Status
from messaging.hub.socket import Socket


class State(NamedTuple):
    """Somebody's presence."""

    status: Status
    seen_at: datetime | None = None


class _Watched:
    __slots__ = ("sockets", "state")

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.state: State | None = None


class Watch:
    """Sockets by whom they watch."""

    def __init__(self) -> None:
        self._people: dict[str, _Watched] = {}
        self._lists: dict[Socket, set[str]] = {}

    def put(self, socket: Socket, users: Iterable[str]) -> None:
        """From now on the socket watches these, and nobody else."""
        wanted = set(users)
        for user in self._lists.pop(socket, set()) - wanted:
            watched = self._people[user]
            watched.sockets.discard(socket)
            if not watched.sockets:
                del self._people[user]
        for user in wanted:
            self._people.setdefault(user, _Watched()).sockets.add(socket)
        if wanted:
            self._lists[socket] = wanted

    def users(self, socket: Socket) -> set[str]:
        """Whom a socket watches."""
        return self._lists.get(socket, set())

    def sockets(self, user: str) -> Iterable[Socket]:
        """Who watches a person."""
        watched = self._people.get(user)
        return tuple(watched.sockets) if watched else ()

    def everybody(self) -> list[str]:
        """All who are watched by anybody."""
        return list(self._people)

    def among(self, users: Iterable[str]) -> list[str]:
        """Those of these who are watched."""
        return [user for user in users if user in self._people]

    def state(self, user: str) -> State:
        """What was last found out about somebody."""
        watched = self._people.get(user)
        return (watched.state if watched else None) or State("offline")

    def tell(self, states: Mapping[str, State]) -> None:
        """Notes what was found out; where somebody's status is another one, their watchers hear it."""
        for user, state in states.items():
            watched = self._people.get(user)
            if watched is None:
                continue
            before, watched.state = watched.state, state
            if before is not None and before.status != state.status:
                text = f'{{"event":"presence","user":"{user}",{members(state)}}}'
                for socket in watched.sockets:
                    socket.offer(text, size=len(text), passing=True)

    def __bool__(self) -> bool:
        """Whether anybody watches anybody."""
        return bool(self._people)


def members(state: State) -> str:
    """The fields of a presence, as JSON without braces."""
    seen = f'"{state.seen_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"' if state.seen_at else "null"
    return f'"status":"{state.status}","last_seen_at":{seen}'
