"""Files encrypted where they lie: each under a key of its own, which is kept encrypted by one of ENCRYPTION_KEYS.

AES-256-GCM throughout. A file's key is bound to the file's id, so that no row can lend its key to another. Each part of
a file has a key of its own, derived from the file's, and is cut into pieces, each bound to its place and to being the
last. Nothing can be left out, turned around, put together from two files or cut off without it being noticed.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from conversations import wrapping
from conversations.wrapping import KEY, NONCE, Damaged, KeyMissing, SealedKey

__all__ = ["Damaged", "KeyMissing", "SealedKey"]

PIECE: Final = 65_536
TAG: Final = 16


def new_key(attachment_id: UUID) -> tuple[SealedKey, bytes] | None:
    """A key for a new file, as it is kept and as it is used; None where nothing is to be encrypted."""
    if not settings.ENCRYPTION_KEYS:
        return None
    key = wrapping.new_key()
    return seal_key(attachment_id, key), key


def seal_key(attachment_id: UUID, key: bytes) -> SealedKey:
    """By the first of ENCRYPTION_KEYS."""
    return wrapping.seal_key(key, about=_about_key(attachment_id))


def open_key(attachment_id: UUID, kept: SealedKey) -> bytes:
    """Raises KeyMissing or Damaged."""
    return wrapping.open_key(kept, about=_about_key(attachment_id))


def seal(pieces: Iterable[bytes], *, key: bytes, about: bytes) -> Iterator[bytes]:
    """`pieces` have PIECE bytes each, but for the last. `about` says what they are, and is said of nothing else."""
    cipher = _cipher(key, about)
    for nonce, piece, last in _numbered(pieces):
        yield cipher.encrypt(nonce, piece, last)


def unseal(pieces: Iterable[bytes], *, key: bytes, about: bytes) -> Iterator[bytes]:
    """`pieces` have PIECE + TAG bytes each, but for the last. Raises Damaged, before the piece that is."""
    cipher, empty = _cipher(key, about), True
    for nonce, piece, last in _numbered(pieces):
        empty = False
        yield wrapping.decrypt(cipher, nonce, piece, last)
    if empty:
        raise Damaged


def _cipher(key: bytes, about: bytes) -> AESGCM:
    """With a key for this alone: a nonce that counts pieces may then begin at 0 for each."""
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY, salt=None, info=about).derive(key))


def _numbered(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Each with its nonce, which no other piece under this key has, and whether it is the last."""
    nonces = (number.to_bytes(NONCE, "big") for number in count())
    rest = iter(pieces)
    waiting = next(rest, None)
    while waiting is not None:
        piece, waiting = waiting, next(rest, None)
        yield next(nonces), piece, b"\1" if waiting is None else b"\0"


def _about_key(attachment_id: UUID) -> bytes:
    return b"attachment key:" + attachment_id.bytes
