"""What a change of a message leads to: everybody is told, and who made it gets the message as they see it."""

from uuid import UUID

from conversations.events import DurableEvent
from messaging import events
from messaging.queries import writing
from messaging.records import Written


def as_written(conversation_id: UUID, seq: int, *, viewer: UUID | None) -> Written:
    """A message as it stands."""
    (written,) = writing.messages_by_seq(conversation=conversation_id, first=seq, last=seq, viewer=viewer)
    return written


def tell(
    conversation_id: UUID,
    seq: int,
    name: DurableEvent,
    *,
    viewer: UUID | None = None,
    reacted: str | None = None,
) -> Written:
    """Tells everybody after the commit; returns the message, as `viewer` sees it too."""
    written = as_written(conversation_id, seq, viewer=viewer)
    events.message_changed(conversation_id, written, name=name, reacted=reacted)
    return written
