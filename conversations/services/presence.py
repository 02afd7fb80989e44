"""Who is here, for those who may know."""

from collections.abc import Collection, Iterable
from uuid import UUID

from conversations import access
from conversations.queries import presence
from conversations.queries.presence import Standing

MAX_ASKED = 200  # people at once


def presence_of(*, viewer: UUID, people: Collection[UUID]) -> list[Standing]:
    """In the order asked for, without those of whom the viewer may not know. At most two statements."""
    visible = access.presence_visible_to(viewer, people)
    found = {standing.user: standing for standing in presence.standings(visible)} if visible else {}
    return [found[user] for user in visible if user in found]


def news(pairs: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Standing]:
    """How the second of each pair stands, where the first may still know. At most two statements."""
    known = presence.acquainted(pairs)
    found = {standing.user: standing for standing in presence.standings([user for _, user in known])}
    return {pair: found[pair[1]] for pair in known if pair[1] in found}
