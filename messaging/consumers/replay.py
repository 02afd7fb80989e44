"""What happened while a client was away."""

from collections.abc import Sequence
from uuid import UUID

from conversations.models import Conversation, Participant
from messaging import events
from messaging.consumers import work
from messaging.frames import Resume
from messaging.hub import Hub, Missed, Socket
from messaging.queries import changes
from messaging.queries.changes import Moved
from messaging.records import Change

FAR = 200  # changes of one conversation; who missed more reads it over REST
AT_ONCE = 20  # conversations read in one statement


def missed(conversation_id: UUID, after: int) -> Missed:
    """What happened in a conversation after a version, for everybody in it. Two statements, three if it is too much."""
    heads = Conversation.objects.filter(pk=conversation_id, deleted_at=None).values_list("version", flat=True)
    head = heads.first()
    if head is None:
        return Missed(None, None)
    found = changes.changes_since(conversation_id=conversation_id, after=after, limit=FAR + 1)
    if len(found) <= FAR:
        return Missed(head, found)
    moved = Participant.objects.filter(conversation=conversation_id, version__gt=after, version__lte=head)
    people = {str(user): left_at is None for user, left_at in moved.values_list("user_id", "left_at")}
    return Missed(head, None, people)


async def read(conversation: str, after: int) -> Missed:
    """`missed`, for the hub."""
    return await work.run(missed, UUID(conversation), after)


async def replay(hub: Hub, socket: Socket, op: Resume) -> None:
    """Tells a socket what it missed, conversation by conversation; what happens meanwhile follows in order."""
    for conversation in op.cursors:
        socket.hold(str(conversation))
    socket.open_gate()
    waiting = dict(op.cursors)
    try:
        async with hub.admission.turn(patient=True):
            moved = await work.run(
                changes.moved, viewer=UUID(socket.user), cursors=op.cursors, only_named=True
            )
        still = waiting.keys() - {place.conversation for place in moved}
        for conversation in still:
            hub.release(socket, str(conversation), waiting.pop(conversation))
        for start in range(0, len(moved), AT_ONCE):
            batch = moved[start : start + AT_ONCE]
            async with hub.admission.turn(patient=True):
                found = await work.run(_changes, UUID(socket.user), batch)
            for place in batch:
                floor = await _tell(socket, place, found.get(place.conversation))
                del waiting[place.conversation]
                hub.release(socket, str(place.conversation), floor)
    finally:  # whatever went wrong, what is live goes on
        for conversation in waiting:
            hub.release(socket, str(conversation), 0)


def _changes(viewer: UUID, batch: Sequence[Moved]) -> dict[UUID, list[Change]]:
    """One statement. Without those that are gone, or whose cursor is from the future: nothing can be told of them."""
    cursors = {place.conversation: place.after or 0 for place in batch if place.version > (place.after or 0)}
    return changes.changes_since_each(viewer=viewer, cursors=cursors, limit=FAR + 1) if cursors else {}


async def _tell(socket: Socket, place: Moved, found: Sequence[Change] | None) -> int:
    """Returns the version up to which the socket now knows the conversation."""
    if found is None or len(found) > FAR:
        socket.offer(f'{{"event":"reset","conversation":"{place.conversation}"}}')
        return place.version
    for frame in events.replay(place.conversation, found, after=place.after or 0):
        socket.offer(frame)
        await socket.room()
    return max([place.version, *(change.version for change in found)])
