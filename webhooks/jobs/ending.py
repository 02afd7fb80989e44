"""A webhook that is not called any more, and how its owner gets to know."""

import logging
from urllib.parse import urlsplit

from django.utils import timezone

from conversations.models import Conversation, User
from conversations.services.conversations import create_group
from messaging.services.messages import send_notice
from webhooks.access import owner_of
from webhooks.models import Webhook

logger = logging.getLogger(__name__)

ROOM = "Webhooks"
REASONS = {
    Webhook.Why.GIVEN_UP: "it did not take what it was sent, however often it was tried",
    Webhook.Why.GONE: "it answered that it is gone (410)",
    Webhook.Why.NOT_ALLOWED: "who it belonged to may not hear this any more",
}


def end(webhook: Webhook, why: Webhook.Why) -> None:
    """Switches it off and tells its owner. What waits is kept. The caller has a transaction; again changes nothing."""
    rows = Webhook.objects.filter(pk=webhook.pk, disabled_at=None)
    if not rows.update(disabled_at=timezone.now(), disabled_why=why):
        return
    logger.warning("webhook %s is switched off: %s", webhook.pk, why)
    owner = owner_of(webhook)
    if owner is not None:
        _tell(webhook, owner, why)


def _tell(webhook: Webhook, owner: User, why: Webhook.Why) -> None:
    """In a room of the owner's own: accounts have no mail address, and everybody has an inbox. The address's host alone
    is named, its path may hold a secret."""
    room = _room(webhook, owner)
    host = urlsplit(webhook.url).hostname
    content = f"The webhook to {host} is switched off: {REASONS[why]}. What it missed is kept for it."
    metadata = {"action": "webhook_disabled", "webhook": str(webhook.pk), "why": str(why)}
    send_notice(conversation_id=room.pk, actor_id=None, content=content, metadata=metadata)


def _room(webhook: Webhook, owner: User) -> Conversation:
    told = Webhook.objects.filter(owner=owner, told_in__isnull=False).values("told_in")
    room = Conversation.objects.visible_to(owner.pk).filter(pk__in=told).first()
    if room is None:
        room = create_group(creator_id=owner.pk, participant_ids=[], name=ROOM)
    Webhook.objects.filter(pk=webhook.pk).update(told_in=room.pk)
    return room
