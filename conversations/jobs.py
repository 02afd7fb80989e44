"""What the worker does for this app."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from conversations.models import SocketNotice, SocketTicket
from conversations.queries import archive

BATCH = 1_000
# No process is away for so long and still has its sockets, and no access token lasts so long.
NOTICES_KEPT = timedelta(hours=1)


def purge_expired(*, now: datetime) -> int:
    """Deletes tickets, refresh tokens and notices past their time, a batch a transaction; returns how many went."""
    deleted = 0
    for model, field, before in (
        (SocketTicket, "expires_at", now),
        (OutstandingToken, "expires_at", now),
        (SocketNotice, "told_at", now - NOTICES_KEPT),
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


def _purge_batch(model: type[Model], field: str, before: datetime) -> int:
    expired = model._default_manager.filter(**{f"{field}__lt": before}).order_by(field)[:BATCH]
    keys: list[Any] = list(expired.values_list("pk", flat=True))
    model._default_manager.filter(pk__in=keys).delete()
    return len(keys)
