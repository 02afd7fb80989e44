"""Reading files' rows."""

from uuid import UUID

from conversations.queries.statement import one
from messaging.queries.fragments import ATTACHMENT


def attachment(attachment_id: UUID) -> str:
    """The JSON of one, as in messages. Uses index: attachments_pkey."""
    found = one(f"SELECT {ATTACHMENT} FROM attachments f WHERE f.id = %(id)s::uuid", {"id": attachment_id})
    return str(found[0])
