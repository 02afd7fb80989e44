"""Turning over the keys of exports that lie encrypted. There are few: one transaction."""

from collections import Counter

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from messaging import sealing
from messaging.sealing import Damaged, KeyMissing
from messaging.services.keys import Turned
from personal.models import Job


def names() -> Counter[str | None]:
    """How many exports there are under each of ENCRYPTION_KEYS."""
    kept = Job.objects.filter(key_name__isnull=False)
    return Counter(dict(kept.order_by().values_list("key_name").annotate(number=Count("pk"))))


@transaction.atomic
def rotate() -> Turned:
    """Encrypts every key anew, by the first of ENCRYPTION_KEYS."""
    newest = next(iter(settings.ENCRYPTION_KEYS))
    older = Job.objects.filter(key_name__isnull=False).exclude(key_name=newest)
    locked = list(older.order_by("pk").select_for_update(no_key=True))
    turned = [job for job in locked if _turn(job)]
    Job.objects.bulk_update(turned, ["key_name", "sealed_key"])
    return Turned(len(turned), [job.pk for job in locked if job not in turned])


def _turn(job: Job) -> bool:
    kept = job.kept_key
    try:
        key = sealing.open_key(job.stored_as, kept) if kept else None
    except (KeyMissing, Damaged):
        return False
    if key is None:
        return False
    job.key_name, job.sealed_key = sealing.seal_key(job.stored_as, key)
    return True
