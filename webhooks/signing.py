"""How a receiver knows that a call is ours: Standard Webhooks, symmetric signatures, version 1."""

import base64
import hmac
from collections.abc import Iterable

from webhooks import secrets


def headers(*, key: str, at: int, body: bytes, signers: Iterable[str]) -> dict[str, str]:
    """Those of one attempt: two secrets make two signatures, of which a receiver needs to know one."""
    signed = f"{key}.{at}.".encode() + body
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in signers),
    }


def _signature(secret: str, signed: bytes) -> str:
    raw = base64.b64decode(secret.removeprefix(secrets.PREFIX))
    return base64.b64encode(hmac.new(raw, signed, "sha256").digest()).decode()
