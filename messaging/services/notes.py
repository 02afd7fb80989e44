"""What agents write to each other beside a case. Nothing here touches the conversation, its messages or its seats."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.events import NoteEvent
from conversations.models import Conversation
from messaging import access, events, policies
from messaging.models import Note, Notebook
from messaging.queries import notes
from messaging.records import Noted
from messaging.services.storing import storable


@storable()
@transaction.atomic
def write_note(*, agent_id: UUID, conversation_id: UUID, content: str, client_id: str | None = None) -> Noted:
    """Writes a note. A `client_id` that this agent used for one here before answers with that, `duplicate`.

    The lock on the agency keeps two of the same agent apart. Raises NotFound, Forbidden for who is no agent of it.
    """
    agency = access.lock_notes(agent_id=agent_id, conversation_id=conversation_id)
    if client_id is not None:
        # Uses index: notes_unique_client_id.
        first = Note.objects.filter(notebook=conversation_id, sender=agent_id, client_id=client_id).first()
        if first is not None:
            return Noted(_as_written(first), duplicate=True)
    number, version = notes.take_number(conversation_id)
    # Read under the notebook's lock, so that places ascend with the numbers.
    after_seq = Conversation.objects.values_list("last_seq", flat=True).get(pk=conversation_id)
    note = Note(
        notebook_id=conversation_id,
        number=number,
        version=version,
        created_version=version,
        after_seq=after_seq,
        sender_id=agent_id,
        client_id=client_id,
    )
    note.say(content)
    note.save(force_insert=True)
    return _tell(note, "note.created", agency.business_id)


@storable()
@transaction.atomic
def edit_note(*, agent_id: UUID, conversation_id: UUID, number: int, content: str) -> Noted:
    """Puts other words in one's own note. The same words again change nothing; the earlier ones are not kept."""
    agency, note = access.lock_note(agent_id=agent_id, conversation_id=conversation_id, number=number)
    policies.require_note_editable(note, actor_id=agent_id)
    if note.said == content:
        return Noted(_as_written(note))
    note.say(content)
    note.edited_at, note.version = timezone.now(), note.notebook.stamp()
    note.save(update_fields=["content", "edited_at", "version"])
    return _tell(note, "note.updated", agency.business_id)


@transaction.atomic
def delete_note(*, agent_id: UUID, conversation_id: UUID, number: int) -> Noted:
    """Takes a note back: its number stays, its content goes. Again changes nothing."""
    agency, note = access.lock_note(agent_id=agent_id, conversation_id=conversation_id, number=number)
    policies.require_note_deletable(note, actor_id=agent_id, owns=agency.role == agency.Role.OWNER)
    if note.deleted_at is not None:
        return Noted(_as_written(note))
    return _delete(note, agency.business_id)


def empty_note(note_id: int) -> bool:
    """The same for a note of somebody who is erased; whether it still said anything."""
    rows = Note.objects.select_related("notebook__conversation").select_for_update(of=("notebook",))
    note = rows.get(pk=note_id)
    note.refresh_from_db(fields=["content", "deleted_at"])  # as of the lock
    if note.deleted_at is None:
        note.client_id = None
        note.save(update_fields=["client_id"])
        _delete(note, note.notebook.conversation.business_id or "")
        return True
    return False


def _delete(note: Note, business_id: str) -> Noted:
    note.content, note.deleted_at, note.version = "", timezone.now(), note.notebook.stamp()
    note.save(update_fields=["content", "deleted_at", "version"])
    return _tell(note, "note.deleted", business_id)


def _as_written(note: Note) -> str:
    body = notes.note(conversation=note.notebook_id, number=note.number)
    if body is None:
        raise Notebook.DoesNotExist
    return body


def _tell(note: Note, name: NoteEvent, business_id: str) -> Noted:
    """Tells the agents after the commit; read back, so that it is what was committed."""
    body = _as_written(note)
    events.note_changed(
        note.notebook_id,
        name=name,
        version=note.version,
        body=body,
        business_id=business_id,
        without=notes.customers(note.notebook_id),
    )
    return Noted(body)
