"""Rounds of maintenance: begun by somebody or by the clock, carried out by a worker, watched and cancelled."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from dbperf.aliases import DEFAULT, MAINTENANCE
from dbperf.catalog import tables, upkeep
from dbperf.connections import Database, Row, Unavailable, alias_for
from dbperf.maintenance.choosing import Chosen, Operation, chosen
from dbperf.maintenance.working import Result, treat
from dbperf.models import MaintenanceRun

NIGHT_MINUTES = 120
MOST_TABLES = 100
SILENT = timedelta(minutes=2)  # a running round that says nothing for so long has lost its process
UNCLAIMED = timedelta(minutes=30)  # a queued one that no worker took


class AlreadyRunning(Exception):
    """There is one at a time."""

    def __init__(self, run: MaintenanceRun) -> None:
        super().__init__(f"Maintenance {run.pk} is {run.state}.")
        self.run = run


class NoSuchTable(Exception):
    """A name that is no table's."""


def begin(
    operation: Operation,
    *,
    asked: Sequence[str] = (),
    by: str,
    most_minutes: int = NIGHT_MINUTES,
    store: str = DEFAULT,
    database: Database | None = None,
) -> MaintenanceRun:
    """A round to be carried out. Raises AlreadyRunning, and NoSuchTable."""
    plan(operation, asked=asked, database=database)
    now = timezone.now()
    _give_up_lost(now, store=store)
    with suppress(IntegrityError), transaction.atomic(using=store):
        return MaintenanceRun.objects.using(store).create(
            operation=operation,
            tables=list(asked),
            active=True,
            asked_by=by,
            most_minutes=most_minutes,
            created_at=now,
            beat_at=now,
        )
    raise AlreadyRunning(MaintenanceRun.objects.using(store).get(active=True))


def plan(
    operation: Operation, *, asked: Sequence[str] = (), database: Database | None = None
) -> list[Chosen]:
    """Which tables it would be, and why. Raises NoSuchTable."""
    watched = database or _database()
    rows, busy = tables.tables(watched), upkeep.under_way(watched)
    try:
        return chosen(rows, operation=operation, asked=asked, now=timezone.now(), busy=busy)
    except LookupError as error:
        raise NoSuchTable(f"There is no table {error.args[0]}.") from None


def carry_out(
    run_id: int, *, store: str = DEFAULT, database: Database | None = None
) -> MaintenanceRun | None:
    """Does what was begun, if nobody else does: None where it was taken already."""
    rows = MaintenanceRun.objects.using(store).filter(pk=run_id)
    if not rows.filter(state="queued").update(state="running", beat_at=timezone.now()):
        return None
    run = rows.get()
    watched = database or _database()
    try:
        _work(run, watched, store)
    except Exception as error:
        _end(run, "failed", type(error).__name__ if not isinstance(error, Unavailable) else str(error))
        if not isinstance(error, Unavailable):
            raise
    return run


def cancel(run_id: int, *, store: str = DEFAULT) -> bool:
    """Has a round stop; one that was not begun ends at once. Whether there was one to stop."""
    rows = MaintenanceRun.objects.using(store).filter(pk=run_id, active=True)
    rows.filter(state="queued").update(state="cancelled", active=None, ended_at=timezone.now())
    return (
        bool(rows.update(cancel_asked=True))
        or rows.model.objects.using(store).filter(pk=run_id, state="cancelled").exists()
    )


def recent(*, store: str = DEFAULT, most: int = 20) -> list[MaintenanceRun]:
    """The last rounds, the newest first."""
    return list(MaintenanceRun.objects.using(store).order_by("-pk")[:most])


def _database() -> Database:
    return Database(alias_for(MAINTENANCE))


def _give_up_lost(now: datetime, *, store: str) -> None:
    """A round whose process was killed must not keep others from beginning."""
    active = MaintenanceRun.objects.using(store).filter(active=True)
    lost = active.filter(state="running", beat_at__lt=now - SILENT)
    lost.update(state="failed", active=None, ended_at=now, note="its process ended")
    unclaimed = active.filter(state="queued", created_at__lt=now - UNCLAIMED)
    unclaimed.update(state="failed", active=None, ended_at=now, note="no worker took it")


def _work(run: MaintenanceRun, database: Database, store: str) -> None:
    if not upkeep.take_lock(database):
        _end(run, "failed", "somebody else holds the lock of maintenance")
        return
    until = time.monotonic() + 60 * run.most_minutes
    beat = _Beat(run.pk, store, until)
    try:
        for one in plan(Operation(run.operation), asked=run.tables, database=database):
            if why := beat.stop():
                result = Result(one.title, one.why, "skipped", why)
            else:
                beat.table = one.title
                result = treat(database, one, Operation(run.operation), ask=beat.stop, tell=beat.tell)
            run.results.append(asdict(result))
            run.save(using=store, update_fields=["results"])
    finally:
        upkeep.release_lock(database)
    _end(run, "cancelled" if beat.cancelled() else "done", "" if run.results else "nothing was due")


def _end(run: MaintenanceRun, state: str, note: str) -> None:
    run.state, run.note, run.active = state, note, None
    run.ended_at, run.progress = timezone.now(), {}
    run.save(update_fields=["state", "note", "active", "ended_at", "progress"])


class _Beat:
    """The round's word to and from its row, also out of the watching thread."""

    def __init__(self, run_id: int, store: str, until: float) -> None:
        self._rows = MaintenanceRun.objects.using(store).filter(pk=run_id)
        self._until = until
        self.table = ""

    def cancelled(self) -> bool:
        """Whether somebody asked for its end."""
        return self._rows.filter(cancel_asked=True).exists()

    def stop(self) -> str:
        """Why to stop; empty to go on."""
        if self.cancelled():
            return "cancelled"
        return "the time was over" if time.monotonic() > self._until else ""

    def tell(self, progress: Row | None) -> None:
        """How far it is, and that it lives."""
        shown: dict[str, Any] = {"table": self.table}
        if progress:
            shown |= {"phase": progress["phase"], "done": progress["done"], "whole": progress["whole"]}
        self._rows.update(progress=shown, beat_at=timezone.now())
