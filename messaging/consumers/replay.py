"""What happened while a client was away."""

from collections.abc import Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple
from uuid import UUID

from conversations.models import Conversation, Participant
from messaging import events
from messaging.consumers import work
from messaging.frames import Resume
from messaging.hub import Hub, Missed, Socket
from messaging.queries import changes
from messaging.records import Change, opened

FAR = 200  # changes of one conversation; who missed more reads it over REST
AT_ONCE = 20  # conversations read in one statement
MOST_BYTES = (
    1_048_576  # read in one statement, and held until the client has read; more of one is read over REST
)


def missed(conversation_id: UUID, after: int) -> Missed:
    """What happened in a conversation after a version, for everybody in it. Two statements, three if it is too much."""
    heads = Conversation.objects.filter(pk=conversation_id, deleted_at=None).values_list(
        "version", "business_id"
    )
    there = heads.first()
    if there is None:
        return Missed(None, None)
    head, business = there
    found = changes.changes_since(conversation_id=conversation_id, after=after, limit=FAR + 1)
    if len(found) <= FAR:
        return Missed(head, opened(found), business=business)
    moved = Participant.objects.filter(conversation=conversation_id, version__gt=after, version__lte=head)
    people = {str(user): left_at is None for user, left_at in moved.values_list("user_id", "left_at")}
    return Missed(head, None, people, business)


async def read(conversation: str, after: int) -> Missed:
    """`missed`, for the hub."""
    return await work.run(missed, UUID(conversation), after)


def hold(socket: Socket, op: Resume) -> None:
    """As soon as a replay was asked for: its turn may be long in coming."""
    for conversation in op.cursors:
        socket.hold(str(conversation))


async def replay(hub: Hub, socket: Socket, op: Resume) -> None:
    """Tells a socket what it missed, conversation by conversation; what happens meanwhile follows in order."""
    late = {name for name, after in op.cursors.items() if socket.too_late_for(str(name), after)}
    hold(socket, op)  # again, where an earlier replay released one of them
    socket.open_gate()
    waiting = dict(op.cursors)
    try:
        async with _turn(hub, socket):
            left, batch = await work.run(_begin, UUID(socket.user), op.cursors, late)
        still = waiting.keys() - {place.conversation for place in left}
        for conversation in still:
            socket.told(str(conversation))
            hub.release(socket, str(conversation), waiting.pop(conversation))
        while left and socket.listens:
            for place, found, whole in batch:
                reached = await _tell(socket, place, found)
                left.pop(0)
                if whole:
                    del waiting[place.conversation]
                    socket.told(str(place.conversation))
                    hub.release(socket, str(place.conversation), max(place.version, reached))
                else:
                    left.insert(0, place._replace(after=reached))
            if left:
                async with _turn(hub, socket):
                    batch = await work.run(_read, UUID(socket.user), left[:AT_ONCE])
    finally:  # whatever went wrong, what is live goes on
        for conversation in waiting:
            hub.release(socket, str(conversation), 0)


def _turn(hub: Hub, socket: Socket) -> AbstractAsyncContextManager[None]:
    """Ahead of those who wait outside for as long as this is a coming back."""
    ahead = socket.turns_ahead > 0
    socket.turns_ahead -= ahead
    return hub.admission.turn(patient=True, inside=ahead)


class Place(NamedTuple):
    """Where the telling of a conversation stands: up to `after`, of what happened after `known`, up to `version`."""

    conversation: UUID
    after: int | None
    version: int
    known: int
    late: bool = False  # what came after it was heard already


class Read(NamedTuple):
    """What to tell of a place. `found` is None where it has to be read anew: it is gone, its cursor is from the future,
    it is too much or too late. Not `whole`: the rest is read when this was told."""

    place: Place
    found: Sequence[Change] | None
    whole: bool = True


def _begin(
    viewer: UUID, cursors: Mapping[UUID, int], late: Container[UUID]
) -> tuple[list[Place], list[Read]]:
    """All that has to be told, and what to tell of the first of it. Two statements, one where nothing happened."""
    moved = changes.moved(viewer=viewer, cursors=cursors, only_named=True)
    places = sorted(
        (Place(*place, known=place.after or 0, late=place.conversation in late) for place in moved),
        key=lambda place: place.conversation,
    )
    return places, _read(viewer, places[:AT_ONCE]) if places else []


def _read(viewer: UUID, places: Sequence[Place]) -> list[Read]:
    """Of the first of these places, of one at least. One statement, which asks again who may read: since the last one
    the viewer may have been removed."""
    cursors = {
        place.conversation: place.after or 0
        for place in places
        if place.version > place.known and not place.late
    }
    if not cursors:
        return [Read(place, None) for place in places]
    each = changes.changes_since_each(
        viewer=viewer,
        cursors=cursors,
        known={place.conversation: place.known for place in places},
        limit=FAR + 1,
        most_bytes=MOST_BYTES,
    )
    read = []
    for place in places:
        found = each.changes.get(place.conversation)
        whole = each.cut != place.conversation
        read.append(Read(place, None if found is None or len(found) > FAR else opened(found), whole))
        if not whole:
            return read if len(found or ()) <= FAR else [*read[:-1], Read(place, None)]
    return read


async def _tell(socket: Socket, place: Place, found: Sequence[Change] | None) -> int:
    """Returns the version up to which the socket was told."""
    if found is None:
        socket.offer(f'{{"event":"reset","conversation":"{place.conversation}"}}')
        return max(place.version, after if (after := place.after or 0) > place.known else 0)
    for frame in events.replay(place.conversation, found, after=place.after or 0):
        socket.offer(frame)
        if socket.crowded:
            await socket.room()
    return found[-1].version if found else place.after or 0
