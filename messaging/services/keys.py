"""Turning over the keys that files are encrypted under."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet

from messaging import files, sealing
from messaging.models import Attachment
from messaging.sealing import Damaged, KeyMissing

BATCH = 500
_FIRST = UUID(int=0)


class Turned(NamedTuple):
    """How many files' keys are under the first of ENCRYPTION_KEYS now, and which could not be opened."""

    turned: int = 0
    left: Sequence[UUID] = ()


def names() -> Counter[str | None]:
    """How many files there are under each key; None: those that are not encrypted."""
    rows = Attachment.objects.order_by().values_list("key_name").annotate(number=Count("pk"))
    return Counter(dict(rows))


def older() -> QuerySet[Attachment]:
    """Files whose keys are not under the first of ENCRYPTION_KEYS."""
    newest = next(iter(settings.ENCRYPTION_KEYS), "")
    return Attachment.objects.filter(key_name__isnull=False).exclude(key_name=newest)


def plain() -> QuerySet[Attachment]:
    """Files that are not encrypted."""
    return Attachment.objects.filter(key_name=None, removed_at=None)


def rotate() -> Iterator[Turned]:
    """Encrypts every file's key anew, by the first of ENCRYPTION_KEYS, some hundreds a transaction; yields after each.

    The files themselves stay as they lie. Whoever stops listening stops it, and the next run goes on from there.
    """
    reached, turned = _rotate(_FIRST)
    while reached is not None:
        yield turned
        reached, turned = _rotate(reached)


@transaction.atomic
def _rotate(after: UUID) -> tuple[UUID | None, Turned]:
    rows = older().filter(pk__gt=after).only("pk", "key_name", "sealed_key").order_by("pk")
    locked = list(rows.select_for_update(no_key=True)[:BATCH])
    turned = [one for one in locked if _turn(one)]
    Attachment.objects.bulk_update(turned, ["key_name", "sealed_key"])
    left = [one.pk for one in locked if one not in turned]
    return (locked[-1].pk if locked else None), Turned(len(turned), left)


def _turn(attachment: Attachment) -> bool:
    kept = files.sealed_key(attachment)
    try:
        if kept is None or not settings.ENCRYPTION_KEYS:
            return False
        key = sealing.open_key(attachment.pk, kept)
    except (KeyMissing, Damaged):
        return False
    attachment.key_name, attachment.sealed_key = sealing.seal_key(attachment.pk, key)
    return True


def seal() -> Iterator[Turned]:
    """Encrypts the files that lie there as they came, one after the other; yields after each.

    The encrypted copy is there before the row says so, and the plain one goes after it: a reader always finds one.
    """
    for pk in list(plain().order_by("pk").values_list("pk", flat=True)):
        try:
            done = _seal(pk)
        except FileNotFoundError:
            yield Turned(left=[pk])
        else:
            if done:
                files.drop_copy(pk, sealed=False)
            yield Turned(int(done))


@transaction.atomic
def _seal(pk: UUID) -> bool:
    """Under the lock of the row, for as long as one file takes: of two at once, only one may write the copy."""
    row = plain().filter(pk=pk).select_for_update(no_key=True, skip_locked=True).first()
    made = row and sealing.new_key(pk)
    if not row or not made:
        return False
    (row.key_name, row.sealed_key), key = made
    for part in files.parts_of(row):
        files.reseal(row, part=part, key=key)
    row.save(update_fields=["key_name", "sealed_key"])
    return True
