"""Durable events of this app: the data is read back in the writing transaction, so it is what was committed."""

from uuid import UUID

from conversations import events
from conversations.events import DurableEvent, Event
from conversations.models import Conversation
from conversations.queries import people


def conversation_changed(
    conversation: Conversation,
    *,
    name: DurableEvent = "conversation.updated",
    joined: list[UUID] | None = None,
) -> None:
    """Tells everybody what the conversation now says of itself, at its present version."""
    events.publish(
        Event(
            name=name,
            conversation=conversation.pk,
            version=conversation.version,
            prev=conversation.version - 1,
            data=people.facts(conversation.pk),
            joined=joined or [],
            business_id=conversation.business_id,
        )
    )


def facts_changed(conversation_id: UUID, *, version: int, business_id: str | None) -> None:
    """The same for a change that a statement of its own made: the data may be newer than `version`."""
    events.publish(
        Event(
            name="conversation.updated",
            conversation=conversation_id,
            version=version,
            prev=version - 1,
            data=people.facts(conversation_id),
            business_id=business_id,
        )
    )


def conversation_deleted(conversation: Conversation, *, left: list[UUID]) -> None:
    """The last event of a conversation; afterwards nobody hears it."""
    events.publish(
        Event(
            name="conversation.deleted",
            conversation=conversation.pk,
            version=conversation.version,
            prev=conversation.version - 1,
            data=f'{{"id":"{conversation.pk}"}}',
            left=left,
            business_id=conversation.business_id,
        )
    )


def participant_changed(conversation: Conversation, user_id: UUID, *, name: DurableEvent) -> None:
    """Tells who joined, left or changed role, at the conversation's present version."""
    events.publish(
        Event(
            name=name,
            conversation=conversation.pk,
            version=conversation.version,
            prev=conversation.version - 1,
            data=people.participant(conversation_id=conversation.pk, user_id=user_id),
            joined=[user_id] if name == "participant.joined" else [],
            left=[user_id] if name == "participant.left" else [],
            business_id=conversation.business_id,
        )
    )
