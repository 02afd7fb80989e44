"""The line of a case's notes: what was missed of it, for the hub and for agents who come back."""

from uuid import UUID

from conversations import events
from messaging import limits
from messaging.consumers import replay as conversations
from messaging.consumers import work
from messaging.events import replay_notes
from messaging.frames import Resume
from messaging.hub import Hub, Missed, Socket
from messaging.queries import notes
from messaging.records import Change, opened

FAR = 50  # changes of the notes of one case; who missed more reads them over REST


async def read(line: str, after: int) -> Missed:
    """What was missed of any line, for the hub."""
    if events.is_notes(line):
        return await work.run(missed, UUID(events.conversation_of(line)), after)
    return await conversations.read(line, after)


def missed(conversation: UUID, after: int) -> Missed:
    """What happened to the notes of a case after a version. Two statements.

    Without a notebook the case was purged: whatever was expected will not come. That its conversation is gone is told
    on the line of that.
    """
    there = notes.stand(conversation)
    if there is None:
        return Missed(limits.MAX_POSITION, [])
    found = notes.changes({conversation: after}, limit=FAR + 1)[conversation]
    told = opened(found) if len(found) <= FAR else None
    return Missed(there.version, told, business=there.business, without=there.without)


def hold(socket: Socket, op: Resume) -> None:
    """As soon as a replay was asked for: its turn may be long in coming."""
    for conversation in op.notes:
        socket.hold(events.notes_line(conversation))


def let_go(hub: Hub, socket: Socket, op: Resume) -> None:
    """Ends `hold` where no replay did."""
    for conversation in op.notes:
        hub.release(socket, events.notes_line(conversation), 0)


async def replay(hub: Hub, socket: Socket, op: Resume) -> None:
    """Tells an agent what they missed of these cases' notes. One by one: there are few, and none is read in vain.

    Who may not read them is told to read them anew, and finds out there. So is who missed too much, or asks too late.
    """
    late = {case for case, after in op.notes.items() if socket.too_late_for(events.notes_line(case), after)}
    hold(socket, op)  # again, where an earlier replay released one of them
    if not op.notes:
        return
    async with hub.admission.turn(patient=True):
        versions = await work.run(notes.open_to, UUID(socket.user), list(op.notes))
    for case, after in op.notes.items():
        if versions.get(case) != after and socket.listens:
            version, found = await work.run(_read, UUID(socket.user), case, after)
            _tell(socket, case, after, None if case in late else found)
            after = max(version, found[-1].version if found else 0)
        socket.told(events.notes_line(case))
        hub.release(socket, events.notes_line(case), after)
        await socket.room()


def _read(viewer: UUID, case: UUID, after: int) -> tuple[int, list[Change] | None]:
    """The version, and the changes; None where they are to be read anew. Two statements.

    Asked again for each: since the last one the agency may be over.
    """
    version = notes.open_to(viewer, [case]).get(case)
    if version is None:
        return 0, None
    found = notes.changes({case: after}, limit=FAR + 1)[case]
    return version, opened(found) if version >= after and len(found) <= FAR else None


def _tell(socket: Socket, case: UUID, after: int, found: list[Change] | None) -> None:
    if found is None:
        socket.offer(f'{{"event":"note.reset","conversation":"{case}"}}')
    for frame in replay_notes(case, found or (), after=after):
        socket.offer(frame)
