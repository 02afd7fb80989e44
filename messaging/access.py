"""The way from an id of the outside to a message."""

from uuid import UUID

from conversations import access
from conversations.access import Access
from conversations.exceptions import NotFound
from messaging.models import Attachment, Message


def lock_message(
    *, user_id: UUID, conversation_id: UUID, seq: int, speaking: bool = False
) -> tuple[Access, Message]:
    """A message of a conversation that this person may use, which is locked. Raises NotFound.

    `speaking`: to do something to it that the others would hear. Raises Forbidden where they were blocked.
    """
    found = access.get_conversation(
        user_id=user_id, conversation_id=conversation_id, lock=True, speaking=speaking
    )
    return found, get_any_message(conversation_id, seq)


def get_any_message(conversation_id: UUID, seq: int) -> Message:
    """For those whose right to it is known. Raises NotFound. Uses index: messages_unique_seq."""
    message = Message.objects.filter(conversation=conversation_id, seq=seq).first()
    if message is None:
        raise NotFound("No such message.")
    return message


def get_attachment(*, user_id: UUID, attachment_id: UUID) -> Attachment:
    """A file that this person may have: of a message in a conversation they may read, or their own upload that no
    message carries yet. Raises NotFound, the same for each reason. Uses index: attachments_pkey.
    """
    rows = Attachment.objects.filter(pk=attachment_id, removed_at=None).select_related("message")
    found = rows.defer("message__content", "message__metadata", "message__words").first()
    if found is None or not _may_have(user_id, found):
        raise NotFound("No such attachment.")
    return found


def _may_have(user_id: UUID, attachment: Attachment) -> bool:
    if attachment.message is None:
        return attachment.owner_id == user_id
    try:
        access.get_conversation(user_id=user_id, conversation_id=attachment.message.conversation_id)
    except NotFound:
        return False
    return True
