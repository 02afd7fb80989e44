"""Celery wrappers of what the clock asks for."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from dbperf import rotation
from dbperf.connections import Unavailable
from dbperf.maintenance.choosing import Operation
from dbperf.services import alerting, building, contracts, delivering, looking, maintaining, reporting

logger = logging.getLogger(__name__)

HOURS = 3600


@shared_task(name="dbperf.tasks.rotate_recent_indexes", soft_time_limit=6 * HOURS, time_limit=7 * HOURS)
def rotate_recent_indexes() -> list[str]:
    """Weekly: every window begins anew. A second one meanwhile, as after a lost connection to Redis, does nothing."""
    done = []
    for window in rotation.WINDOWS.values():
        try:
            turned = rotation.rotate(window, rotation.maintenance(), now=timezone.now(), tell=logger.info)
        except rotation.Busy:
            logger.warning("%s: another rotation is under way", window.name)
            continue
        done.append(f"{turned.window}: {turned.outcome}")
    return done


@shared_task(name="dbperf.tasks.pulse", soft_time_limit=20, time_limit=25)
def pulse() -> None:
    """Twice a minute: sessions, locks, the longest transaction, and alerts. Sees to it that the first hour is not
    waited for."""
    looking.keep_pulse()
    try:
        alerting.watch()
    except Unavailable as unavailable:
        logger.warning("alerts were not looked for: %s", unavailable)
    _send_words()
    _begin_what_waits()
    if looking.overdue():
        hourly.delay()


@shared_task(name="dbperf.tasks.hourly", soft_time_limit=600, time_limit=660)
def hourly() -> None:
    """Every hour: statements, sizes, every check, and alerts; old history goes."""
    alerting.heed_hour(looking.keep_hour())
    _send_words()


@shared_task(name="dbperf.tasks.deliver", soft_time_limit=30, time_limit=40)
def deliver(word_id: int) -> None:
    """One word of an alert, by one way."""
    delivering.deliver(word_id)


def _send_words() -> None:
    """Has workers send what is due: what was just said, and what did not get through before. What no worker takes is
    asked for again by the next pulse."""
    for word_id in delivering.due():
        try:
            deliver.apply_async((word_id,), expires=25)
        except OperationalError:
            logger.warning("no worker can be told of alerts; the next pulse tries again")
            return


def _begin_what_waits() -> None:
    """Maintenance and the building of indexes wait for each other, and are tried again."""
    try:
        for run_id in maintaining.waiting():
            maintain.apply_async((run_id,), expires=25)
        for build_id in building.waiting():
            build_index.apply_async((build_id,), expires=25)
    except OperationalError:
        logger.warning("no worker can be told of maintenance that waits; the next pulse tries again")


@shared_task(name="dbperf.tasks.maintain", soft_time_limit=6 * HOURS, time_limit=7 * HOURS)
def maintain(run_id: int) -> None:
    """A round of maintenance that somebody began."""
    maintaining.carry_out(run_id)


class NoBroker(Exception):
    """No worker can be told: what was begun is taken back."""


def hand_over(run_id: int) -> None:
    """Has a worker carry out a round. Raises NoBroker."""
    try:
        maintain.delay(run_id)
    except OperationalError as error:
        maintaining.cancel(run_id)
        raise NoBroker("No worker can be told at the moment.") from error


@shared_task(name="dbperf.tasks.build_index", soft_time_limit=6 * HOURS, time_limit=7 * HOURS)
def build_index(build_id: int) -> None:
    """An index that somebody accepted."""
    building.carry_out(build_id)


def hand_over_build(build_id: int) -> None:
    """Has a worker build an index. Raises NoBroker."""
    try:
        build_index.delay(build_id)
    except OperationalError as error:
        building.cancel(build_id)
        raise NoBroker("No worker can be told at the moment.") from error


@shared_task(name="dbperf.tasks.nightly", soft_time_limit=6 * HOURS, time_limit=7 * HOURS)
def nightly() -> None:
    """Every night: VACUUM ANALYZE of what is due. Where somebody's round is under way, this one is left out."""
    try:
        run = maintaining.begin(Operation.VACUUM_ANALYZE, by="the clock")
    except maintaining.AlreadyRunning as running:
        logger.warning("Nightly maintenance is left out: %s", running)
        return
    maintaining.carry_out(run.pk)


@shared_task(name="dbperf.tasks.watch_plans", soft_time_limit=600, time_limit=660)
def watch_plans() -> None:
    """Every day: the plans of the hot queries."""
    contracts.watch()


@shared_task(name="dbperf.tasks.weekly", soft_time_limit=600, time_limit=660)
def weekly() -> None:
    """Every week: the report."""
    reporting.keep_week()
