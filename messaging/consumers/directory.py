"""Where the hub's presence asks Redis and PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from conversations import access, events, presence
from conversations.presence import Status
from conversations.queries import presence as queries
from messaging.consumers import work


class Directory:
    """Asks in the threads for sockets. This process is told apart by the name it has in events."""

    async def known(self, viewer: str, users: Iterable[str]) -> dict[str, datetime | None]:
        """Those whose presence the viewer may know, and when they were last seen."""
        ids = [UUID(user) for user in users]
        found = await work.run(access.people_known_to, viewer_id=UUID(viewer), user_ids=ids)
        return {str(user): seen_at for user, seen_at in found.items()}

    async def announce(self, changes: Mapping[str, Status], *, whole: bool) -> None:
        """Tells what changed at this process, or everything anew."""
        await work.run(presence.announce, events.origin(), changes, whole=whole)

    async def beat(self) -> bool:
        """This process lives. False where it has to announce everybody anew."""
        return await work.run(presence.beat, events.origin())

    async def leave(self, within_s: float) -> None:
        """This process ends."""
        await work.run(presence.leave, events.origin(), within_s)

    async def statuses(self, users: Sequence[str]) -> dict[str, Status]:
        """Those who are connected anywhere."""
        return await work.run(presence.statuses, users)

    async def last_seen(self, users: Sequence[str]) -> dict[str, datetime]:
        """When they were last seen."""
        found = await work.run(queries.last_seen, [UUID(user) for user in users])
        return {str(user): seen_at for user, seen_at in found.items()}

    async def save(self, ages: Mapping[str, float]) -> None:
        """Who was seen so many seconds ago."""
        await work.run(queries.save_seen, {UUID(user): age for user, age in ages.items()})
