"""Who is here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from redis import RedisError

from conversations import access, presence
from conversations.presence import Status


@dataclass(frozen=True, slots=True)
class Presence:
    """One person's presence."""

    id: UUID
    status: Status
    last_seen_at: datetime | None


def presence_of(*, viewer_id: UUID, user_ids: Sequence[UUID]) -> list[Presence]:
    """In the order asked for, without those who are not to be seen: unknown, closed or strangers. One statement."""
    known = access.people_known_to(viewer_id=viewer_id, user_ids=user_ids)
    try:
        found = presence.statuses(map(str, known))
        status = {user: found.get(str(user), "offline") for user in known}
    except RedisError:
        status = {user: presence.guess(seen_at) for user, seen_at in known.items()}
    return [Presence(user, status[user], known[user]) for user in dict.fromkeys(user_ids) if user in known]
