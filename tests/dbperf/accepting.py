"""Suggestions of indexes on the database of these tests, accepted and built."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from dbperf.connections import Database
from dbperf.models import BuiltIndex, Statement, StatementUse, StoredFinding
from dbperf.proposing import Proposal
from dbperf.services import building

PETS = Proposal("fault", "pets", ("kind", "-born"))


def suggested(store: str, proposal: Proposal = PETS, **evidence: Any) -> StoredFinding:
    """As the check missing_index has it."""
    counted = {"queryid": "7", "calls": 100, "mean_ms": 8.0, "blocks_a_call": 400.0, "proof": "built"}
    named = {"schema": proposal.schema, "table": proposal.table, "keys": list(proposal.keys)}
    now = timezone.now()
    return StoredFinding.objects.using(store).create(
        key=f"missing_index:{proposal.name}",
        check_name="missing_index",
        level="warning",
        subject=proposal.name,
        detail="It is read whole.",
        evidence={**counted, **named, "index": proposal.name, **evidence},
        first_seen=now,
        last_seen=now,
    )


def accepted(database: Database, proposal: Proposal = PETS) -> BuiltIndex:
    """By somebody; not built yet."""
    finding = suggested(database.alias, proposal)
    return building.accept(finding.pk, by="somebody", store=database.alias, database=database)


def carried_out(database: Database, build: BuiltIndex) -> BuiltIndex:
    """By the job."""
    done = building.carry_out(build.pk, store=database.alias, database=database)
    assert done is not None
    return BuiltIndex.objects.using(database.alias).get(pk=build.pk)


def built(database: Database, proposal: Proposal = PETS, **given: Any) -> BuiltIndex:
    """As the row of one that was built a day ago."""
    a_day_ago = timezone.now() - timedelta(days=1)
    named = {
        "schema": proposal.schema,
        "table": proposal.table,
        "keys": list(proposal.keys),
        "name": proposal.name,
    }
    before = {"queryid": 7, "calls_before": 100, "ms_before": 10.0, "blocks_before": 400.0}
    times = dict.fromkeys(("created_at", "beat_at", "built_at"), a_day_ago)
    row: dict[str, Any] = {**named, **before, **times, "state": "valid", "asked_by": "somebody", **given}
    return BuiltIndex.objects.using(database.alias).create(**row)


def used(database: Database, *, calls: int, ms: float, blocks: int, hours: float, queryid: int = 7) -> None:
    """A look an hour long that ended so many hours ago (or will end, below zero)."""
    now = timezone.now()
    statement, _ = Statement.objects.using(database.alias).get_or_create(
        queryid=queryid, userid=1, dbid=1, toplevel=True, defaults={"text": "SELECT $1", "first_seen": now}
    )
    StatementUse.objects.using(database.alias).create(
        statement=statement,
        taken_at=now - timedelta(hours=hours),
        window_s=3600,
        calls=calls,
        total_ms=calls * ms,
        blocks_hit=calls * (blocks - 1),
        blocks_read=calls,
        **dict.fromkeys(("rows", "temp_blocks", "wal_bytes"), 0),
    )
