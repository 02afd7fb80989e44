"""Words of alerts on their way: each is claimed by whoever sends it, tried a few times, and sent once.

A worker that dies between sending and noting it down makes a second attempt; both carry the same number, by which the
receiver can tell.
"""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import F
from django.utils import timezone

from dbperf.alerts.sending import send
from dbperf.alerts.ways import ways
from dbperf.alerts.webhook import NotAccepted
from dbperf.aliases import DEFAULT
from dbperf.models import AlertWord

logger = logging.getLogger(__name__)

CLAIMED = timedelta(minutes=1)  # longer than the task may take
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0.5, 2, 10, 60, 360))  # then it is given up
MOST_ATTEMPTS = len(PAUSES) + 1
MOST = 100


def due(*, store: str = DEFAULT) -> list[int]:
    """What waits to be sent, the oldest first. Uses index: dbperf_word_due."""
    rows = AlertWord.objects.using(store).filter(sent_at=None, failed_at=None, due_at__lte=timezone.now())
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:MOST])


def deliver(word_id: int, *, store: str = DEFAULT) -> bool:
    """Sends one, if nobody else does. Whether it was sent."""
    now = timezone.now()
    rows = AlertWord.objects.using(store).filter(pk=word_id)
    unsent = rows.filter(sent_at=None, failed_at=None, due_at__lte=now)
    if not unsent.update(attempts=F("attempts") + 1, due_at=now + CLAIMED):
        return False
    claimed = rows.get()
    try:
        if claimed.attempts > MOST_ATTEMPTS:  # workers died of it
            raise NotAccepted("too many attempts")
        send(claimed.by, claimed.said, delivery=str(claimed.delivery), given=ways())
    except Exception as error:  # whatever it is, the next attempt may do better
        _put_off(claimed, error, store=store)
        return False
    rows.update(sent_at=timezone.now(), error="")
    return True


def _put_off(claimed: AlertWord, error: Exception, *, store: str) -> None:
    """Without the error's text, which may hold the address."""
    now, why = timezone.now(), str(error) if isinstance(error, NotAccepted) else type(error).__name__
    rows = AlertWord.objects.using(store).filter(pk=claimed.pk)
    if claimed.attempts >= MOST_ATTEMPTS:
        rows.update(failed_at=now, error=why[:200])
        logger.error("word of an alert by %s is given up: %s", claimed.by, why)
        return
    rows.update(due_at=now + PAUSES[claimed.attempts - 1], error=why[:200])
    logger.warning("word of an alert by %s was not taken: %s", claimed.by, why)
