"""Indexes that are built because somebody accepted the advice: asked for, carried out by a worker, called off."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from dbperf.aliases import DEFAULT, MAINTENANCE
from dbperf.catalog import builds, upkeep
from dbperf.connections import Database, Unavailable, alias_for
from dbperf.history import uses
from dbperf.maintenance.beat import CANCELLED, Beat
from dbperf.maintenance.building import Building
from dbperf.models import BuiltIndex, StoredFinding
from dbperf.proposing import Proposal
from dbperf.services.maintaining import MINUTE_S, SILENT, UNCLAIMED
from dbperf.verdicts import Use

CHECK = "missing_index"
MOST_MINUTES = 240
BEFORE = timedelta(days=7)
WAITS = "waits until maintenance is through"
AGAIN = timedelta(seconds=20)
MOST_WAIT = timedelta(hours=12)


class NotAccepted(Exception):
    """Why nothing is built."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A suggestion that may be accepted."""

    proposal: Proposal
    queryid: int
    before: Use


def advice(finding: StoredFinding, *, store: str = DEFAULT, database: Database | None = None) -> Advice:
    """What a suggestion comes to, as it is now. Raises NotAccepted."""
    if finding.check_name != CHECK or finding.resolved_at:
        raise NotAccepted("It is no index that is missing.")
    try:
        proposal, queryid = _typed(finding.evidence)
    except (KeyError, TypeError, ValueError):
        raise NotAccepted("It is of an older form. The next hourly look renews it.") from None
    _must_make_sense(proposal, database or _database())
    return Advice(proposal, queryid, _before(finding, queryid, store=store))


def accept(finding_id: int, *, by: str, store: str = DEFAULT, database: Database | None = None) -> BuiltIndex:
    """Has an index built as it is proposed: by a worker, which is told by the caller. Raises NotAccepted."""
    finding = StoredFinding.objects.using(store).filter(pk=finding_id).first()
    if finding is None:
        raise NotAccepted("There is no such suggestion.")
    accepted, now = advice(finding, store=store, database=database), timezone.now()
    _give_up_lost(now, store=store)
    with suppress(IntegrityError), transaction.atomic(using=store):
        return BuiltIndex.objects.using(store).create(
            schema=accepted.proposal.schema,
            table=accepted.proposal.table,
            keys=list(accepted.proposal.keys),
            name=accepted.proposal.name,
            queryid=accepted.queryid,
            calls_before=accepted.before.calls,
            ms_before=accepted.before.ms,
            blocks_before=accepted.before.blocks,
            active=True,
            asked_by=by,
            created_at=now,
            beat_at=now,
        )
    raise NotAccepted("Another index is being built. There is one at a time.")


def carry_out(build_id: int, *, store: str = DEFAULT, database: Database | None = None) -> BuiltIndex | None:
    """Builds what was accepted, if nobody else does: None where it was taken already, or waits for maintenance."""
    rows, watched = BuiltIndex.objects.using(store).filter(pk=build_id), database or _database()
    if not upkeep.take_lock(watched):
        rows.filter(state="queued").update(note=WAITS, beat_at=timezone.now())
        return None
    try:
        return _carry_out(rows, watched)
    finally:
        with suppress(Error, Unavailable):  # the lock goes with the session
            upkeep.release_lock(watched)


def _carry_out(rows: QuerySet[BuiltIndex], database: Database) -> BuiltIndex | None:
    if not rows.filter(state="queued").update(state="building", note="", beat_at=timezone.now()):
        return None
    row = rows.get()
    try:
        _work(row, database, Beat(rows, time.monotonic() + MINUTE_S * MOST_MINUTES))
    except Exception as error:
        _end(row, "failed", type(error).__name__ if not isinstance(error, Unavailable) else str(error))
        if not isinstance(error, Unavailable):
            raise
    return row


def waiting(*, store: str = DEFAULT) -> list[int]:
    """What is to be tried again: queued, and not only a moment ago, so what a broker lost is found, too. One that
    waited for half a day is given up."""
    queued, now = BuiltIndex.objects.using(store).filter(active=True, state="queued"), timezone.now()
    queued.filter(created_at__lt=now - MOST_WAIT).update(
        state="failed", active=None, note="it waited for half a day"
    )
    return list(queued.filter(beat_at__lt=now - AGAIN).values_list("pk", flat=True))


def cancel(build_id: int, *, store: str = DEFAULT) -> None:
    """Calls one off; one that was not begun ends at once."""
    rows = BuiltIndex.objects.using(store).filter(pk=build_id, active=True)
    rows.filter(state="queued").update(state="cancelled", active=None)
    rows.update(cancel_asked=True)


def recent(*, store: str = DEFAULT, most: int = 50) -> list[BuiltIndex]:
    """The last ones, the newest first."""
    return list(BuiltIndex.objects.using(store).order_by("-pk")[:most])


def _database() -> Database:
    return Database(alias_for(MAINTENANCE))


def _typed(evidence: dict[str, Any]) -> tuple[Proposal, int]:
    """The index by the names of its parts, which give its own: never by SQL that was kept."""
    parts = [evidence["schema"], evidence["table"], *evidence["keys"]]
    if not evidence["keys"] or not all(isinstance(part, str) for part in parts):
        raise TypeError
    proposal = Proposal(evidence["schema"], evidence["table"], tuple(evidence["keys"]))
    if proposal.name != evidence["index"]:
        raise ValueError
    return proposal, int(evidence["queryid"])


def _must_make_sense(proposal: Proposal, database: Database) -> None:
    there = builds.columns(database, proposal.schema, proposal.table)
    if not there.issuperset(key.removeprefix("-") for key in proposal.keys):
        raise NotAccepted("The table or one of the columns is not there any more.")
    standing = builds.standing(database, proposal.schema, proposal.name)
    if standing and standing["whole"]:
        raise NotAccepted(
            "An index of its name is there. The next hourly look tells whether it is missed still."
        )


def _before(finding: StoredFinding, queryid: int, *, store: str) -> Use:
    """What one call took since it was found; as the check counted it, where our history has nothing of it."""
    since = max(finding.first_seen, timezone.now() - BEFORE)
    used = uses.ended_since(queryid, since, store=store)
    if used.calls:
        return used
    counted = finding.evidence
    return Use(counted["calls"], counted["mean_ms"], counted.get("blocks_a_call", 0.0))


def _give_up_lost(now: datetime, *, store: str) -> None:
    """One whose process was killed must not keep others from being built."""
    active = BuiltIndex.objects.using(store).filter(active=True)
    lost = active.filter(state="building", beat_at__lt=now - SILENT)
    lost.update(
        state="failed", active=None, note="its process ended; what it had begun is removed by the next"
    )
    unclaimed = active.filter(state="queued", beat_at__lt=now - UNCLAIMED)
    unclaimed.update(state="failed", active=None, note="no worker took it")


def _work(row: BuiltIndex, database: Database, beat: Beat) -> None:
    beat.table = f"{row.schema}.{row.table}"
    work = Building(database, Proposal(row.schema, row.table, tuple(row.keys)))
    outcome = work.carry_out(ask=beat.stop, tell=beat.tell)
    called_off = outcome == "stopped" and work.said[0] == CANCELLED
    _end(row, {"valid": "valid"}.get(outcome, "cancelled" if called_off else "failed"), work.note)


def _end(row: BuiltIndex, state: str, note: str) -> None:
    row.state, row.note, row.active, row.progress = state, note, None, {}
    row.built_at = timezone.now() if state == "valid" else None
    row.save(update_fields=["state", "note", "active", "progress", "built_at"])
