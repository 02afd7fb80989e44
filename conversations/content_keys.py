"""The keys that messages are sealed under, as a process holds them: a new one each day, kept in PostgreSQL encrypted.

Turning over ENCRYPTION_KEYS encrypts these small keys anew (`manage.py rotate_keys`) and no message.
"""

import logging
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction
from django.utils import timezone

from conversations import wrapping
from conversations.models import ContentKey
from conversations.wrapping import Damaged, KeyMissing, SealedKey

log = logging.getLogger(__name__)

LASTS: Final = timedelta(days=1)
TRUSTED_S: Final = 60.0  # then it is looked whether the newest key is still there
NAME: Final = 8  # letters
MOST: Final = 4_096  # keys that a process holds

Cipher = AESGCM | None  # None: the key is not there, or cannot be opened


class Key(NamedTuple):
    """A key that is sealed with, and its name."""

    name: str
    cipher: AESGCM


_held: dict[str, Cipher] = {}
_newest: tuple[Key, float] | None = None
_lock = threading.Lock()


def newest() -> Key:
    """The key to seal with; made where the last one is of yesterday. A statement once in TRUSTED_S."""
    held = _newest
    if held is not None and time.monotonic() < held[1]:
        return held[0]
    found = _found() or _made()
    # Not before the commit: a key whose row was undone would lose what is sealed under it afterwards.
    transaction.on_commit(lambda: _trust(found))
    return found


def _trust(key: Key) -> None:
    global _newest
    _newest = (key, time.monotonic() + TRUSTED_S)
    _hold({key.name: key.cipher})


def _found() -> Key | None:
    """Uses index: content_keys_newest."""
    row = ContentKey.objects.filter(made_at__gt=timezone.now() - LASTS).order_by("-made_at").first()
    cipher = _opened(row) if row else None
    return Key(row.pk, cipher) if row and cipher else None


def _made() -> Key:
    """Where several processes find none at once each makes one, and the newest is taken from then on."""
    name, key = secrets.token_urlsafe(NAME * 3 // 4), wrapping.new_key()
    kept = wrapping.seal_key(key, about=about(name))
    ContentKey.objects.create(pk=name, key_name=kept.name, sealed_key=kept.sealed)
    return Key(name, AESGCM(key))


def about(name: str) -> bytes:
    """What a key is bound to: it is good under its own name only."""
    return b"content key:" + name.encode()


def unknown(names: Iterable[str]) -> set[str]:
    """Those that PostgreSQL would have to be asked for."""
    return {name for name in names if name not in _held}


def ciphers(names: Collection[str]) -> Mapping[str, Cipher]:
    """Each of these keys. One statement where some are not held yet: always of the primary, which has the newest."""
    found = {name: _held[name] for name in names if name in _held}
    missing = set(names) - found.keys()
    if missing:
        rows = {row.pk: row for row in ContentKey.objects.using("default").filter(pk__in=missing)}
        fresh = {name: _opened(rows[name]) if name in rows else _absent(name) for name in missing}
        _hold(fresh)
        found |= fresh
    return found


def _hold(fresh: Mapping[str, Cipher]) -> None:
    with _lock:
        _held.update(fresh)
        for name in list(_held)[: max(0, len(_held) - MOST)]:
            del _held[name]


def _opened(row: ContentKey) -> Cipher:
    """None where it cannot be: said once by each process, since what it was told it remembers."""
    try:
        return AESGCM(wrapping.open_key(SealedKey(row.key_name, bytes(row.sealed_key)), about=about(row.pk)))
    except KeyMissing:
        log.error("Messages under key %s cannot be read: ENCRYPTION_KEYS lacks %s", row.pk, row.key_name)
    except Damaged:
        log.error("Messages under key %s cannot be read: the key was changed where it is kept", row.pk)
    return None


def _absent(name: str) -> Cipher:
    log.error("Messages under key %s cannot be read: there is no such key", name)
    return None


def forget() -> None:
    """Asks PostgreSQL anew from now on."""
    global _newest
    with _lock:
        _newest = None
        _held.clear()
