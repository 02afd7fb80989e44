"""Deliveries on their way: each is claimed, tried a few times, and in its conversation nothing overtakes it."""

import logging
import random
import time
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.contents import opened
from webhooks import secrets, signing
from webhooks.jobs.ending import end
from webhooks.models import Webhook, WebhookDelivery
from webhooks.outside import Refused, call
from webhooks.policies import rules
from webhooks.queries import sending
from webhooks.records import Claimed

logger = logging.getLogger(__name__)

# Then it is given up, after 16 hours or so: a night in which nobody mends the receiver.
PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3_600, 3 * 3_600, 12 * 3_600)
)
MOST_ATTEMPTS: Final = len(PAUSES) + 1
JITTER: Final = 0.2  # or all that failed together would come back together
CLAIMED_S: Final = 60.0  # longer than an attempt, and than the task, may take
ENOUGH_S: Final = 15.0  # of one run; the next goes on
ENOUGH_FAILURES: Final = 3  # in a row, of one run: whoever is down is not asked for everything that waits
GONE: Final = 410

State = WebhookDelivery.State


def deliver(webhook_id: UUID) -> int:
    """Sends what is due for a webhook, the oldest first, unless somebody else is at it. How much was taken."""
    now = timezone.now()
    free = Webhook.objects.filter(pk=webhook_id, disabled_at=None, busy_until__lte=now)
    if not free.update(busy_until=now + timedelta(seconds=CLAIMED_S)):
        return 0
    try:
        return _deliver(webhook_id)
    finally:
        Webhook.objects.filter(pk=webhook_id).update(busy_until=timezone.now())


def _deliver(webhook_id: UUID) -> int:
    until, taken, failures = time.monotonic() + ENOUGH_S, 0, 0
    while failures < ENOUGH_FAILURES and time.monotonic() < until:
        webhook = Webhook.objects.filter(pk=webhook_id, disabled_at=None).first()
        claimed = sending.claim(webhook=webhook_id, for_s=CLAIMED_S) if webhook else None
        if webhook is None or claimed is None:
            break
        if claimed.taken_back:
            _withdraw(claimed)
            continue
        sent = _attempt(webhook, claimed)
        taken, failures = taken + sent, 0 if sent else failures + 1
    return taken


def _withdraw(claimed: Claimed) -> None:
    """The round that would have withdrawn it has not come that far."""
    row = WebhookDelivery.objects.filter(pk=claimed.id, state=State.PENDING)
    row.update(state=State.WITHDRAWN, settled_at=timezone.now(), payload="")


def _attempt(webhook: Webhook, claimed: Claimed) -> bool:
    """Once. What stood in the way is kept by its kind: the text of an error may hold the address."""
    status, why = None, ""
    try:
        if claimed.attempts > MOST_ATTEMPTS:  # workers died of it
            raise Refused("too many attempts")
        status = _send(webhook, claimed)
        why = "" if 200 <= status < 300 else f"answered {status}"
    except Refused as refused:
        why = str(refused)
    except secrets.Unreadable:
        why = "the secret cannot be read any more"
    except Exception as error:  # whatever it is, the next attempt may do better
        why = type(error).__name__
    return _settle(webhook, claimed, status, why)


def _send(webhook: Webhook, claimed: Claimed) -> int:
    body = opened(claimed.payload).encode()
    signed = signing.headers(key=str(claimed.key), at=int(time.time()), body=body, signers=_signers(webhook))
    headers = {"Content-Type": "application/json", "User-Agent": "chatbackend-webhooks", **signed}
    return call(webhook.url, body, headers, rules()).status


def _signers(webhook: Webhook) -> list[str]:
    """The secret, and for a while the one before it."""
    old = webhook.old_secret if webhook.old_until and webhook.old_until > timezone.now() else None
    return [secrets.unseal(kept) for kept in (webhook.secret, old) if kept]


@transaction.atomic
def _settle(webhook: Webhook, claimed: Claimed, status: int | None, why: str) -> bool:
    """Notes what came of an attempt; whether it was taken. Withdrawn meanwhile, it stays so."""
    now = timezone.now()
    row = WebhookDelivery.objects.filter(pk=claimed.id, state=State.PENDING)
    if not why:
        row.update(state=State.DELIVERED, settled_at=now, status=status, error="")
        return True
    logger.info("webhook %s did not take delivery %s: %s", webhook.pk, claimed.key, why)
    if claimed.attempts < MOST_ATTEMPTS and status != GONE:
        row.update(due_at=now + _pause(claimed.attempts), status=status, error=why)
        return False
    Webhook.objects.select_for_update(no_key=True).filter(
        pk=webhook.pk
    ).first()  # before its deliveries, as everywhere
    row.update(state=State.FAILED, settled_at=now, status=status, error=why)
    end(webhook, Webhook.Why.GONE if status == GONE else Webhook.Why.GIVEN_UP)
    return False


def _pause(attempts: int) -> timedelta:
    return PAUSES[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)
