"""Secrets of webhooks: shown once, kept sealed, since signing takes them as they are.

Sealed with a key of their own (`WEBHOOK_KEYS`), which stands in no table: a copy of the database signs nothing. The
first key seals, all of them open, so that a key is changed by putting a new one before it.
"""

import base64
import secrets
from hashlib import sha256
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from conversations.exceptions import Conflict

PREFIX: Final = (
    "whsec_"  # as Standard Webhooks has it, so that scanners of source code know one when they see it
)
BYTES: Final = 32


def new() -> str:
    """A secret that nobody has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def seal(secret: str) -> str:
    """As it is kept. Raises Conflict where there is no key."""
    return _box().encrypt(secret.encode()).decode()


def unseal(kept: str) -> str:
    """As it signs. Raises Unreadable."""
    try:
        return _box().decrypt(kept).decode()
    except (InvalidToken, Conflict):
        raise Unreadable from None


class Unreadable(Exception):
    """It was sealed with a key that is no longer in the settings."""


def available() -> bool:
    """Whether this server has a key, without which there are no webhooks."""
    return bool(settings.WEBHOOK_KEYS)


def _box() -> MultiFernet:
    if not available():
        raise Conflict("Webhooks are not set up on this server.", code="webhooks_off")
    return MultiFernet([Fernet(_fitted(key)) for key in settings.WEBHOOK_KEYS])


def _fitted(key: str) -> bytes:
    """A key of any length in the length that Fernet wants. Keys are random (`manage.py check`), so a hash will do."""
    return base64.urlsafe_b64encode(sha256(key.encode()).digest())
