"""One job after the other, for as long as a worker has for them."""

import logging
import time
from collections.abc import Callable
from typing import Final

from messaging.exceptions import StorageAway
from personal.exceptions import Lost, Refused
from personal.jobs import turns
from personal.jobs.erasing import erase
from personal.jobs.exporting import export
from personal.jobs.turns import Turn
from personal.models import Job

logger = logging.getLogger(__name__)

DOES: Final[dict[str, Callable[[Turn], None]]] = {
    Job.Kind.OWN_EXPORT: export,
    Job.Kind.CONVERSATION_EXPORT: export,
    Job.Kind.ERASURE: erase,
}


def work(*, within_s: float) -> int:
    """Does what waits; returns how many were begun. None is begun after so long."""
    until, begun = time.monotonic() + within_s, 0
    while time.monotonic() < until and (turn := turns.claim()) is not None:
        begun += 1
        try:
            _do(turn)
        except Lost:
            logger.info("job %s is another worker's by now", turn.job.pk)
    return begun


def _do(turn: Turn) -> None:
    try:
        DOES[turn.job.kind](turn)
    except Lost:
        raise
    except Refused as refused:
        turn.fail(refused.args[0])
    except (StorageAway, OSError) as error:  # the latter of this machine's disk
        logger.warning("job %s waits for room to write to: %s", turn.job.pk, type(error).__name__)
        turn.put_back(Job.Why.STORAGE)
    except Exception:  # whatever it is: it is tried again, and told of
        logger.exception("job %s (%s) broke off", turn.job.pk, turn.job.kind)
        turn.put_back(Job.Why.BROKEN)
