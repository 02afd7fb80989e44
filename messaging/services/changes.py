"""What somebody who was away has missed."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from conversations.exceptions import NotFound
from messaging import events
from messaging.queries import changes
from messaging.queries.changes import Moved

EACH = 200  # changes of one conversation; past it a client reads the conversation anew
ALTOGETHER = 2_000  # changes of one reply


class Missed(NamedTuple):
    """What one conversation has to say since a version. `frames` are events as the socket sends them.

    `version` is the conversation's own; `more` tells that changes were left for the next page, after `reached`.
    """

    frames: list[str]
    version: int
    reached: int
    more: bool


class Behind(NamedTuple):
    """A conversation that moved. `reset`: too far, or gone (version 0): it is to be read anew, or forgotten."""

    conversation: UUID
    version: int
    frames: list[str]
    reset: bool


def changes_since(
    *, viewer: UUID, conversation_id: UUID, after: int, limit: int, known: int | None = None
) -> Missed:
    """A page of a conversation's changes after a version, ascending. Raises NotFound. Two statements.

    `known`, on later pages: the version after which the first page began.
    """
    version = changes.head(viewer=viewer, conversation_id=conversation_id)
    if version is None:
        raise NotFound("No such conversation.")
    found = changes.changes_since(
        viewer=viewer, conversation_id=conversation_id, after=after, known=known, limit=limit + 1
    )
    page = found[:limit]
    reached = page[-1].version if page else after
    frames = list(events.replay(conversation_id, page, after=after))
    return Missed(frames, max(version, reached if page else 0), reached, len(found) > limit)


def sync(*, viewer: UUID, cursors: Mapping[UUID, int]) -> list[Behind]:
    """Each of the viewer's conversations that is not where `cursors` has it. Two statements."""
    moved = changes.moved(viewer=viewer, cursors=cursors)
    near = _near(moved)
    found = changes.changes_since_each(viewer=viewer, cursors=near, limit=EACH).changes if near else {}
    return [
        Behind(
            where.conversation,
            max([where.version, *(change.version for change in found.get(where.conversation, ()))]),
            list(
                events.replay(where.conversation, found.get(where.conversation, ()), after=where.after or 0)
            ),
            where.conversation not in near,
        )
        for where in moved
    ]


def _near(moved: Iterable[Moved]) -> dict[UUID, int]:
    """Those close enough to be told change by change; there are never more changes than versions between."""
    near, left = {}, ALTOGETHER
    for where in moved:
        distance = where.version - where.after if where.after else 0
        if where.after and 0 < distance <= min(EACH, left):
            near[where.conversation] = where.after
            left -= distance
    return near
