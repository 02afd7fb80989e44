"""The way from an id of the outside to a message."""

from uuid import UUID

from conversations import access
from conversations.access import Access
from conversations.exceptions import Forbidden, NotFound
from conversations.models import BusinessAgent
from messaging.models import Attachment, Message, Note
from messaging.queries import notes


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


def get_notes(*, viewer: UUID, conversation_id: UUID) -> int:
    """The version of a case's notes, for its agents. Raises NotFound, and Forbidden for all others who take part."""
    version = notes.open_to(viewer, [conversation_id]).get(conversation_id)
    if version is None:
        access.get_conversation(user_id=viewer, conversation_id=conversation_id)
        raise Forbidden("Only agents of this business have notes, and not on a case of their own.")
    return version


def lock_notes(*, agent_id: UUID, conversation_id: UUID) -> BusinessAgent:
    """The same for changing them: the agency, which cannot be taken away until the transaction ends."""
    get_notes(viewer=agent_id, conversation_id=conversation_id)
    conversation = access.get_conversation(user_id=agent_id, conversation_id=conversation_id).conversation
    return access.get_agency(user_id=agent_id, business_id=conversation.business_id or "", lock=True)


def lock_note(*, agent_id: UUID, conversation_id: UUID, number: int) -> tuple[BusinessAgent, Note]:
    """A note and its notebook, which is locked, for an agent. Raises NotFound, Forbidden.

    Uses index: notes_unique_number.
    """
    agency = lock_notes(agent_id=agent_id, conversation_id=conversation_id)
    rows = Note.objects.select_related("notebook").select_for_update(of=("notebook",))
    note = rows.filter(notebook=conversation_id, number=number).first()
    if note is None:
        raise no_such_note()
    note.refresh_from_db(fields=["content", "version", "edited_at", "deleted_at"])  # as of the lock
    return agency, note


def no_such_note() -> NotFound:
    """The refusal."""
    return NotFound("No such note.")


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
