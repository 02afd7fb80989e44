"""Durable events of messages. The data is the very JSON that the REST reply carries."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from conversations import events
from conversations.events import DurableEvent, Event, Lapse, NoteEvent
from messaging.records import Change, Written


def message_changed(
    conversation: UUID, *written: Written, name: DurableEvent, reacted: str | None = None
) -> None:
    """Tells everybody in the conversation, in the order given, after the commit. `reacted`: who did, as JSON."""
    events.publish(
        *(
            Event(
                name=name,
                conversation=conversation,
                version=message.version,
                prev=message.version - 1,
                data=message.body,
                business_id=message.business_id,
                reacted=reacted,
            )
            for message in written
        )
    )


def replay(conversation: UUID, changes: Iterable[Change], *, after: int) -> Iterator[str]:
    """The frames of changes read back, ascending: the `prev` of each is the version of the one before, or `after`."""
    prev, of = after, str(conversation)
    for change in changes:
        yield events.told(*change, of=of, prev=prev)
        prev = change.version


def replay_notes(conversation: UUID, changes: Iterable[Change], *, after: int) -> Iterator[str]:
    """The same of notes."""
    prev, of = after, str(conversation)
    for change in changes:
        yield events.noted(change.event, change.version, change.data, of=of, prev=prev)
        prev = change.version


def note_changed(
    conversation: UUID,
    *,
    name: NoteEvent,
    version: int,
    body: str,
    business_id: str | None,
    without: Sequence[UUID],
) -> None:
    """Tells the agents, and nobody else, after the commit: on the line of the notes, whose versions are its own."""
    events.publish(
        Event(
            name=name,
            conversation=conversation,
            version=version,
            prev=version - 1,
            data=body,
            business_id=business_id,
            line=events.notes_line(conversation),
            without=without,
        )
    )


TYPING_LASTS_S = 6.0
LATE_S = 1.5  # how much later than its sender another process ends it by itself


def typing(conversation: UUID, user: UUID, *, on: bool, business_id: str | None = None) -> None:
    """Tells who is writing; nobody will ask for it again. Touches no database."""
    key = f"typing.{conversation}.{user}"
    over = _typing(conversation, user, on=False)
    events.publish_passing(
        conversation=conversation,
        frame=_typing(conversation, user, on=True) if on else over,
        business_id=business_id,
        at_once=True,
        lapse=Lapse(key=key, after_s=TYPING_LASTS_S + LATE_S if on else 0.0, frame=over),
    )


def _typing(conversation: UUID, user: UUID, *, on: bool) -> str:
    state = "true" if on else "false"
    return f'{{"event":"typing","conversation":"{conversation}","user":"{user}","on":{state}}}'
