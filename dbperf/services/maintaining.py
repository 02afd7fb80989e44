"""Rounds of maintenance: begun by somebody or by the clock, carried out by a worker, watched and cancelled."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import Error, IntegrityError, transaction
from django.utils import timezone

from dbperf.aliases import DEFAULT, MAINTENANCE
from dbperf.catalog import upkeep
from dbperf.connections import Database, Unavailable, alias_for
from dbperf.maintenance import rounds
from dbperf.maintenance.beat import Beat
from dbperf.maintenance.choosing import Chosen, Operation
from dbperf.maintenance.working import Result, treat
from dbperf.models import MaintenanceRun

NIGHT_MINUTES = 120
MOST_TABLES = 100
MINUTE_S = 60
SILENT = timedelta(minutes=2)  # a running round that says nothing for so long has lost its process
UNCLAIMED = timedelta(minutes=30)  # a queued one that no worker took
WAITS = "waits until an index is built, or other maintenance is through"
AGAIN = timedelta(seconds=20)
MOST_WAIT = timedelta(hours=2)  # what the clock began at night is not done in the morning


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
    _must_be_tables(asked, database or _database())
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
    _must_be_tables(asked, watched)
    return rounds.chosen(operation, asked, watched)


def carry_out(
    run_id: int, *, store: str = DEFAULT, database: Database | None = None
) -> MaintenanceRun | None:
    """Does what was begun, if nobody else does: None where it was taken already, or waits for who holds the lock."""
    rows = MaintenanceRun.objects.using(store).filter(pk=run_id)
    if not rows.filter(state="queued").update(state="running", note="", beat_at=timezone.now()):
        return None
    run = rows.get()
    watched = database or _database()
    try:
        _work(run, watched, store)
    except Exception as error:
        _end(run, "failed", type(error).__name__ if not isinstance(error, Unavailable) else str(error))
        if not isinstance(error, Unavailable):
            raise
    return None if run.state == "queued" else run


def waiting(*, store: str = DEFAULT) -> list[int]:
    """What is to be tried again: queued, and not only a moment ago. One that waited too long is given up."""
    _give_up_lost(timezone.now(), store=store)
    queued = MaintenanceRun.objects.using(store).filter(active=True, state="queued", note=WAITS)
    return list(queued.filter(beat_at__lt=timezone.now() - AGAIN).values_list("pk", flat=True))


def waits(run_id: int, *, store: str = DEFAULT) -> bool:
    """Whether a round is still to be begun."""
    return MaintenanceRun.objects.using(store).filter(pk=run_id, state="queued", note=WAITS).exists()


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


def _must_be_tables(names: Sequence[str], database: Database) -> None:
    if unknown := rounds.unknown(names, database):
        raise NoSuchTable(f"There is no table {unknown[0]}.")


def _give_up_lost(now: datetime, *, store: str) -> None:
    """A round whose process was killed must not keep others from beginning."""
    active = MaintenanceRun.objects.using(store).filter(active=True)
    lost = active.filter(state="running", beat_at__lt=now - SILENT)
    lost.update(state="failed", active=None, ended_at=now, note="its process ended")
    unclaimed = active.filter(state="queued", created_at__lt=now - UNCLAIMED).exclude(note=WAITS)
    unclaimed.update(state="failed", active=None, ended_at=now, note="no worker took it")
    too_long = active.filter(state="queued", created_at__lt=now - MOST_WAIT)
    too_long.update(state="failed", active=None, ended_at=now, note="it waited for two hours")


def _work(run: MaintenanceRun, database: Database, store: str) -> None:
    if not upkeep.take_lock(database):
        run.state, run.note, run.beat_at = "queued", WAITS, timezone.now()
        run.save(using=store, update_fields=["state", "note", "beat_at"])
        return
    rows = MaintenanceRun.objects.using(store).filter(pk=run.pk)
    beat = Beat(rows, time.monotonic() + MINUTE_S * run.most_minutes)
    try:
        lost = _through(run, database, store, beat)
    finally:
        with suppress(Error):  # the lock goes with the session
            upkeep.release_lock(database)
    if lost:
        _end(run, "failed", "the connection to the database was lost")
    else:
        _end(run, beat.ended(), "" if run.results else "nothing was due")


def _through(run: MaintenanceRun, database: Database, store: str, beat: Beat) -> bool:
    """One table after the other. True where the session was lost, and the lock with it."""
    operation, session = Operation(run.operation), upkeep.own_pid(database)
    for one in rounds.chosen(operation, run.tables, database):
        result = _turn(one, operation, database, beat)
        lost = result.outcome in {"failed", "stopped"} and not _is(database, session)
        run.results.append(asdict(result))
        run.save(using=store, update_fields=["results"])
        if lost:
            return True
    return False


def _turn(one: Chosen, operation: Operation, database: Database, beat: Beat) -> Result:
    if why := beat.stop():
        return Result(one.title, one.why, "skipped", why, cause=one.cause)
    beat.table = one.title
    return treat(database, one, operation, ask=beat.stop, tell=beat.tell)


def _is(database: Database, session: int) -> bool:
    """Whether it is still the same session; a lost one is put away."""
    try:
        return upkeep.own_pid(database) == session
    except (Error, Unavailable):
        database.connection.close()
        return False


def _end(run: MaintenanceRun, state: str, note: str) -> None:
    run.state, run.note, run.active = state, note, None
    run.ended_at, run.progress = timezone.now(), {}
    run.save(update_fields=["state", "note", "active", "ended_at", "progress"])
