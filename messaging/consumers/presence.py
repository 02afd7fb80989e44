"""Where the hub's attendance is kept, and the op that asks for it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID, uuid4

import orjson

from conversations.queries import presence
from conversations.queries.presence import Standing
from conversations.services.presence import news, presence_of
from messaging.consumers import work
from messaging.hub import Seen


class Ledger:
    """Asks PostgreSQL, in one of the threads for sockets, under the name of this process."""

    def __init__(self) -> None:
        self._process = uuid4()

    async def beat(self) -> bool:
        """Says that the process lives, and takes the people of dead ones for gone; whether it was not known."""
        fresh = await work.run(presence.beat, self._process)
        await work.run(presence.bury)
        return fresh

    async def write(self, active: Mapping[str, bool], gone: Collection[str]) -> None:
        """What changed about this process's people."""
        await work.run(presence.write, self._process, active=active, gone=gone)

    async def leave(self) -> None:
        """The process ends."""
        await work.run(presence.leave, self._process)

    async def changed(self, back: float) -> Sequence[str]:
        """Whose presence changed in the last `back` seconds."""
        return [str(user) for user in await work.run(presence.changed, back)]

    async def news(self, pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Seen]:
        """How the second of each pair stands, where the first may know."""
        found = await work.run(news, [(UUID(viewer), UUID(user)) for viewer, user in pairs])
        return {(str(viewer), str(user)): seen(standing) for (viewer, user), standing in found.items()}


async def ask(viewer: UUID, people: Collection[UUID]) -> dict[str, Seen]:
    """How those stand of whom the viewer may know."""
    found = await work.run(presence_of, viewer=viewer, people=people)
    return {str(standing.user): seen(standing) for standing in found}


def seen(standing: Standing) -> Seen:
    """As clients hear of it."""
    user, status, seen_at = standing
    at = orjson.dumps(seen_at, option=orjson.OPT_UTC_Z).decode()
    return Seen(status, f'{{"event":"presence","user":"{user}","status":"{status}","last_seen_at":{at}}}')
