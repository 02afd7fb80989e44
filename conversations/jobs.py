"""What the worker does for this app."""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from conversations import events
from conversations.events import Event
from conversations.models import (
    AuditEntry,
    BusinessCase,
    Conversation,
    Participant,
    SocketNotice,
    SocketTicket,
)
from conversations.queries import archive, people

BATCH = 1_000
# No process is away for so long and still has its sockets, and no access token lasts so long.
NOTICES_KEPT = timedelta(hours=1)


def purge_expired(*, now: datetime) -> int:
    """Deletes tickets, refresh tokens, notices and audit entries past their time, a batch a transaction.

    Returns how many went.
    """
    deleted = 0
    for model, field, before in (
        (SocketTicket, "expires_at", now),
        (OutstandingToken, "expires_at", now),
        (SocketNotice, "told_at", now - NOTICES_KEPT),
        *((AuditEntry, "at", now - timedelta(days=days)) for days in [settings.AUDIT_KEEP_DAYS] if days),
    ):
        while gone := _purge_batch(model, field, before):
            deleted += gone
    return deleted


def archive_quiet(*, before: datetime, within_s: float) -> int:
    """Puts away for each who has read everything what has been quiet since before a moment; returns for how many.

    What is not done in time is done the next night.
    """
    until, done = time.monotonic() + within_s, 0
    for seats in archive.archive(before=before):
        done += seats
        if time.monotonic() > until:
            break
    return done


def wake_cases(*, now: datetime) -> int:
    """Ends the sleep of cases whose time has come, or whose customer spoke while it began; returns how many woke."""
    woken = 0
    while due := list(_due(now).values_list("pk", flat=True)[:BATCH]):
        woken += sum(_wake(case, now) for case in due)
    return woken


def _due(now: datetime) -> QuerySet[BusinessCase]:
    """Uses index: cases_snoozed. A message that was on its way when the case was put to sleep did not know of it."""
    customer = Participant.objects.filter(conversation=OuterRef("pk"), role=Participant.Role.CUSTOMER)
    spoken = Exists(customer.filter(last_sent_seq__gt=OuterRef("snoozed_seq")))
    return BusinessCase.objects.filter(snoozed_until__isnull=False).filter(Q(snoozed_until__lte=now) | spoken)


@transaction.atomic
def _wake(conversation_id: UUID, now: datetime) -> bool:
    """Whether it was still to be woken."""
    conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    if not _due(now).filter(pk=conversation_id).update(snoozed_until=None, snoozed_seq=None):
        return False
    version = conversation.stamp(facts=True)
    events.publish(
        Event(
            name="conversation.updated",
            conversation=conversation.pk,
            version=version,
            prev=version - 1,
            data=people.facts(conversation.pk),
            business_id=conversation.business_id,
        )
    )
    return True


def _purge_batch(model: type[Model], field: str, before: datetime) -> int:
    expired = model._default_manager.filter(**{f"{field}__lt": before}).order_by(field)[:BATCH]
    keys: list[Any] = list(expired.values_list("pk", flat=True))
    model._default_manager.filter(pk__in=keys).delete()
    return len(keys)
