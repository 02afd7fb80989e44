"""Keeping what a message said."""

from datetime import datetime

from messaging.models import Message, Revision


def keep(message: Message, *, version: int, at: datetime) -> None:
    """Keeps the words that an edit, at this version, is about to replace. One statement of the edit's transaction."""
    Revision.objects.create(
        message=message,
        version=version,
        content=message.content,
        written_at=message.edited_at or message.sent_at,
        replaced_at=at,
    )
