"""Keeping what a message said."""

from datetime import datetime

from messaging.models import Message, Revision


def kept(message: Message) -> int:
    """How often a message was edited. Uses index: message_revisions_unique."""
    return Revision.objects.filter(message=message).count()


def keep(message: Message, *, version: int, at: datetime) -> None:
    """Keeps the words that an edit, at this version, is about to replace. One statement of the edit's transaction."""
    Revision.objects.create(
        message=message,
        version=version,
        content=message.content,
        written_at=message.edited_at or message.sent_at,
        replaced_at=at,
    )
