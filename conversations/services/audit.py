"""What security is asked about later: who did it, when, from where."""

import logging
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.db import transaction

from conversations.context import caller_address, request_id
from conversations.models import AuditEntry

logger = logging.getLogger("chatbackend.audit")

Action = AuditEntry.Action


def keep(action: str, *, actor: UUID | None, subject: object = "", **detail: Any) -> None:
    """Writes it down, in the transaction at hand, and logs a line once that is committed. `detail` has ids and kinds,
    no names and no words."""
    entry = AuditEntry.objects.create(
        action=action,
        actor=actor,
        subject=str(subject),
        detail=detail,
        address=_address(),
        request_id=request_id.get(),
    )
    transaction.on_commit(lambda: _log(entry), robust=True)


def _address() -> str | None:
    """Where the request at hand comes from, as the trusted proxies tell it."""
    try:
        return str(ip_address(caller_address.get()))
    except ValueError:
        return None


def _log(entry: AuditEntry) -> None:
    told = " ".join(f"{name}={value}" for name, value in entry.detail.items())
    logger.info(
        "%s actor=%s subject=%s address=%s %s", entry.action, entry.actor, entry.subject, entry.address, told
    )
