"""Keys that are kept encrypted by one of ENCRYPTION_KEYS, each bound to what it is the key of. AES-256-GCM."""

import os
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY: Final = 32
NONCE: Final = 12


class Damaged(Exception):
    """What is there is not what was written."""


class KeyMissing(Exception):
    """ENCRYPTION_KEYS does not have the key that this was written under."""


class SealedKey(NamedTuple):
    """A key as it is kept: encrypted by the key of this name."""

    name: str
    sealed: bytes


def new_key() -> bytes:
    """A random one."""
    return AESGCM.generate_key(bit_length=KEY * 8)


def seal_key(key: bytes, *, about: bytes) -> SealedKey:
    """By the first of ENCRYPTION_KEYS. A random nonce: one key seals fewer than 2^32 others."""
    name = next(iter(settings.ENCRYPTION_KEYS))
    cipher = AESGCM(settings.ENCRYPTION_KEYS[name])
    return SealedKey(name, seal(cipher, key, about=about + name.encode()))


def open_key(kept: SealedKey, *, about: bytes) -> bytes:
    """Raises KeyMissing or Damaged."""
    if kept.name not in settings.ENCRYPTION_KEYS:
        raise KeyMissing(kept.name)
    cipher = AESGCM(settings.ENCRYPTION_KEYS[kept.name])
    return unseal(cipher, kept.sealed, about=about + kept.name.encode())


def seal(cipher: AESGCM, plain: bytes, *, about: bytes) -> bytes:
    """Behind a random nonce."""
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, plain, about)


def unseal(cipher: AESGCM, sealed: bytes, *, about: bytes) -> bytes:
    """Raises Damaged."""
    return decrypt(cipher, sealed[:NONCE], sealed[NONCE:], about)


def decrypt(cipher: AESGCM, nonce: bytes, sealed: bytes, about: bytes) -> bytes:
    """Raises Damaged."""
    try:
        return cipher.decrypt(nonce, sealed, about)
    except (InvalidTag, ValueError) as error:  # ValueError: a nonce that is too short
        raise Damaged from error
