"""Making, changing and ending webhooks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.exceptions import Conflict
from conversations.models import User
from conversations.services import audit
from conversations.services.audit import Action
from webhooks import access, policies, secrets
from webhooks.models import Webhook, WebhookDelivery
from webhooks.queries import cursors

MOST_OF_A_BUSINESS: Final = 10
MOST_OF_STAFF: Final = 20  # of those that hear every conversation
OLD_SECRET_SIGNS: Final = timedelta(hours=24)

State = WebhookDelivery.State


@transaction.atomic
def make_webhook(
    *, actor: User, url: str, events: Sequence[str], business_id: str | None = None
) -> tuple[Webhook, str]:
    """A webhook that hears what happens from now on, and its secret, which is not shown again."""
    access.require_manager(actor, business_id)
    policies.require_callable(url)
    secret = secrets.new()
    sealed = secrets.seal(secret)
    _require_room(business_id)
    webhook = Webhook.objects.create(
        url=url, events=_sorted(events), business_id=business_id, owner=actor, secret=sealed
    )
    cursors.begin(webhook=webhook.pk, business_id=business_id)
    audit.keep(Action.WEBHOOK_MADE, actor=actor.pk, subject=webhook.pk, business=business_id)
    return webhook, secret


def _require_room(business_id: str | None) -> None:
    """Not held against a rival: one more than the bound is no harm."""
    most = MOST_OF_STAFF if business_id is None else MOST_OF_A_BUSINESS
    if Webhook.objects.filter(business_id=business_id).count() >= most:
        raise Conflict(f"There are {most} webhooks here already.", code="too_many_webhooks")


def _sorted(events: Sequence[str]) -> list[str]:
    return sorted(set(events))


@transaction.atomic
def change_webhook(
    *,
    actor: User,
    webhook_id: UUID,
    url: str | None = None,
    events: Sequence[str] | None = None,
    active: bool | None = None,
    rotate_secret: bool = False,
) -> tuple[Webhook, str | None]:
    """Changes what is given; a new secret comes with it where one was wanted, and is not shown again."""
    webhook = access.get_webhook(actor=actor, webhook_id=webhook_id, lock=True)
    if url is not None:
        policies.require_callable(url)
        webhook.url = url
    if events is not None:
        webhook.events = _sorted(events)
    secret = _rotate(webhook) if rotate_secret else None
    if active is not None and active != webhook.active:
        _switch(webhook, actor, on=active)
    webhook.save(
        update_fields=[
            "url", "events", "owner", "secret", "old_secret", "old_until", "disabled_at", "disabled_why",
        ]
    )  # fmt: skip
    given = {"url": url, "events": events, "active": active, "secret": rotate_secret or None}
    changed = [name for name, value in given.items() if value is not None]
    audit.keep(Action.WEBHOOK_CHANGED, actor=actor.pk, subject=webhook_id, changed=changed)
    return webhook, secret


def _rotate(webhook: Webhook) -> str:
    """The one before signs for a day beside it, so that the receiver can change over."""
    secret = secrets.new()
    webhook.old_secret, webhook.old_until = webhook.secret, timezone.now() + OLD_SECRET_SIGNS
    webhook.secret = secrets.seal(secret)
    return secret


def _switch(webhook: Webhook, actor: User, *, on: bool) -> None:
    """Whoever switches it on is its owner from then on. It goes on where it stopped: what failed is tried anew."""
    if not on:
        webhook.disabled_at, webhook.disabled_why = timezone.now(), Webhook.Why.SWITCHED_OFF
        return
    webhook.disabled_at, webhook.disabled_why, webhook.owner = None, None, actor
    failed = WebhookDelivery.objects.filter(webhook=webhook, state=State.FAILED)
    failed.update(state=State.PENDING, attempts=0, settled_at=None)
    waiting = WebhookDelivery.objects.filter(webhook=webhook, state=State.PENDING)
    waiting.update(attempts=0, due_at=timezone.now())


@transaction.atomic
def delete_webhook(*, actor: User, webhook_id: UUID) -> None:
    """Ends it, with everything that was kept for it."""
    access.get_webhook(actor=actor, webhook_id=webhook_id, lock=True).delete()
    audit.keep(Action.WEBHOOK_DELETED, actor=actor.pk, subject=webhook_id)


@transaction.atomic
def replay_delivery(*, actor: User, webhook_id: UUID, key: UUID) -> WebhookDelivery:
    """Has a delivery sent once more, under the same key; what waits in its conversation waits behind it."""
    webhook = access.get_webhook(actor=actor, webhook_id=webhook_id)
    delivery = access.get_delivery(webhook=webhook, key=key)
    if not webhook.active:
        raise Conflict("The webhook is switched off.", code="webhook_disabled")
    if not delivery.payload:
        raise Conflict("The message was taken back, and with it what told of it.", code="nothing_to_send")
    if delivery.state != State.PENDING:
        delivery.state, delivery.settled_at, delivery.attempts = State.PENDING, None, 0
        delivery.due_at = timezone.now()
        delivery.save(update_fields=["state", "settled_at", "attempts", "due_at"])
    return delivery
