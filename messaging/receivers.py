"""What the app below tells: a case was opened with first words, a case changed hands or status."""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from conversations.models import Conversation
from conversations.signals import case_changed, case_opened
from messaging.services import messages


@receiver(case_opened)
def say_first_words(*, conversation: Conversation, sender_id: UUID, content: str, **_: Any) -> None:
    """In the transaction that opened the case: both or neither."""
    messages.send_message(sender_id=sender_id, conversation_id=conversation.pk, content=content)


@receiver(case_changed)
def tell_in_thread(
    *, conversation: Conversation, actor_id: UUID, content: str, metadata: dict[str, Any], **_: Any
) -> None:
    """In the transaction of the change."""
    messages.send_notice(
        conversation_id=conversation.pk, actor_id=actor_id, content=content, metadata=metadata
    )
