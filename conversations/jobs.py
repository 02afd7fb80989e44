"""What the worker does for this app."""

from datetime import datetime
from typing import Any

from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from conversations.models import SocketTicket

BATCH = 1_000


def purge_expired(*, now: datetime) -> int:
    """Deletes tickets and refresh tokens past their time, a batch a transaction; returns how many went."""
    deleted = 0
    for model in (SocketTicket, OutstandingToken):
        while gone := _purge_batch(model, now):
            deleted += gone
    return deleted


def _purge_batch(model: type[SocketTicket] | type[OutstandingToken], now: datetime) -> int:
    expired = model._default_manager.filter(expires_at__lt=now).order_by("expires_at")[:BATCH]
    keys: list[Any] = list(expired.values_list("pk", flat=True))
    model._default_manager.filter(pk__in=keys).delete()
    return len(keys)
