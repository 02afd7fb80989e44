"""Who may see and change which webhook, and what it may hear."""

from uuid import UUID

from conversations import access
from conversations.exceptions import Forbidden, NotFound
from conversations.models import BusinessAgent, User
from webhooks.models import Webhook, WebhookDelivery


def require_manager(actor: User, business_id: str | None) -> None:
    """Staff, or an owner of the business. Raises NotFound for who has nothing to do with it, Forbidden for the rest."""
    if actor.is_staff:
        return
    if business_id is None:
        raise Forbidden("Only staff may have every conversation told.")
    if access.get_agency(user_id=actor.pk, business_id=business_id).role != BusinessAgent.Role.OWNER:
        raise Forbidden("Only an owner of this business may do this.")


def get_webhook(*, actor: User, webhook_id: UUID, lock: bool = False) -> Webhook:
    """A webhook for one of its managers. Raises NotFound, absent or none of theirs, or Forbidden.

    `lock` keeps others from changing it, and its next round from beginning, until the transaction ends.
    """
    rows = Webhook.objects.select_for_update(of=("self",), no_key=True) if lock else Webhook.objects.all()
    webhook = rows.filter(pk=webhook_id).first()
    if webhook is None or (webhook.business_id is None and not actor.is_staff):
        raise NotFound("No such webhook.")
    try:
        require_manager(actor, webhook.business_id)
    except NotFound:
        raise NotFound("No such webhook.") from None
    return webhook


def get_delivery(*, webhook: Webhook, key: UUID) -> WebhookDelivery:
    """One of its deliveries, locked. Raises NotFound."""
    delivery = (
        WebhookDelivery.objects.select_for_update(of=("self",)).filter(webhook=webhook, key=key).first()
    )
    if delivery is None:
        raise NotFound("No such delivery.")
    return delivery


def owner_of(webhook: Webhook) -> User | None:
    """Who it belongs to, unless that account is closed."""
    return User.objects.active().filter(pk=webhook.owner_id).first() if webhook.owner_id else None


def may_still_hear(webhook: Webhook) -> bool:
    """Whether who it belongs to could make it today: a dismissed owner's address hears nothing more."""
    owner = owner_of(webhook)
    if owner is None or owner.is_staff:
        return owner is not None
    owned = BusinessAgent.objects.filter(user=owner, role=BusinessAgent.Role.OWNER)
    return webhook.business_id is not None and owned.filter(business_id=webhook.business_id).exists()
