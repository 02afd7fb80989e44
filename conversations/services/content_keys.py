"""Turning over the keys that messages are sealed under."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from conversations import wrapping
from conversations.content_keys import about
from conversations.models import ContentKey
from conversations.wrapping import Damaged, KeyMissing, SealedKey


class Turned(NamedTuple):
    """How many keys are under the first of ENCRYPTION_KEYS now, and which could not be opened."""

    turned: int = 0
    left: Sequence[str] = ()


def names() -> dict[str, int]:
    """How many keys there are under each of ENCRYPTION_KEYS."""
    rows = ContentKey.objects.order_by().values_list("key_name").annotate(number=Count("pk"))
    return Counter(dict(rows))


@transaction.atomic
def rotate() -> Turned:
    """Encrypts every key anew, by the first of ENCRYPTION_KEYS. There is about one a day: one transaction."""
    newest = next(iter(settings.ENCRYPTION_KEYS))
    locked = list(ContentKey.objects.exclude(key_name=newest).order_by("pk").select_for_update())
    turned = [key for key in locked if _turn(key)]
    ContentKey.objects.bulk_update(turned, ["key_name", "sealed_key"])
    return Turned(len(turned), [key.pk for key in locked if key not in turned])


def _turn(row: ContentKey) -> bool:
    kept = SealedKey(row.key_name, bytes(row.sealed_key))
    try:
        key = wrapping.open_key(kept, about=about(row.pk))
    except (KeyMissing, Damaged):
        return False
    row.key_name, row.sealed_key = wrapping.seal_key(key, about=about(row.pk))
    return True
