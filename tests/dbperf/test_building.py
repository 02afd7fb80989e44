"""An index that is accepted: built beside those who write, given up for those who wait, and never half there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from dbperf.catalog import builds, upkeep
from dbperf.connections import Database, Unavailable
from dbperf.maintenance import building as work
from dbperf.maintenance import watch
from dbperf.models import BuiltIndex, Statement, StoredFinding
from dbperf.services import building, maintaining
from tests.dbperf.accepting import PETS, accepted, carried_out, suggested, used
from tests.dbperf.faults import run, session, until
from tests.dbperf.upkeep import meanwhile

MODELS = (StoredFinding, BuiltIndex, Statement)
INDEX = "SELECT indexdef AS definition FROM pg_indexes WHERE indexname = %s"


@pytest.fixture(autouse=True)
def pets(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A table `fault.pets`; nothing was suggested and nothing built. Who watches looks ten times a second."""
    monkeypatch.setattr(watch, "LOOK_S", 0.1)
    run(
        faulty,
        "CREATE TABLE pets (kind int NOT NULL, name text NOT NULL, born int NOT NULL)",
        "INSERT INTO pets SELECT n / 100, 'pet ' || n, n FROM generate_series(1, 3000) n",
    )
    yield faulty
    for model in MODELS:
        model._default_manager.using(faulty.alias).all().delete()


@contextmanager
def old_snapshot(database: Database) -> Iterator[None]:
    """Somebody's transaction, for the end of which a build waits."""
    with session(database) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")
        yield


def definition(database: Database) -> str | None:
    """What PostgreSQL has under the name that is proposed."""
    found = database.rows(INDEX, [PETS.name])
    return str(found[0]["definition"]) if found else None


def left_by_one_that_broke_off(database: Database) -> None:
    with pytest.raises(Unavailable):  # not unique: what stays is invalid
        database.run(f"CREATE UNIQUE INDEX CONCURRENTLY {PETS.name} ON pets (kind)")


def test_it_is_built_as_it_was_proposed(pets: Database) -> None:
    build = accepted(pets)
    assert (build.state, build.calls_before, build.ms_before, build.blocks_before) == (
        "queued",
        100,
        8.0,
        400.0,
    )
    done = carried_out(pets, build)
    assert (done.state, done.note, done.active, done.progress) == ("valid", "", None, {})
    assert done.built_at
    assert f"INDEX {PETS.name} ON fault.pets USING btree (kind, born DESC)" in str(definition(pets))
    assert upkeep.treated(pets, _oid(pets))["last_analyze"]  # type: ignore[index]
    assert building.carry_out(build.pk, store=pets.alias, database=pets) is None  # not twice


def _oid(database: Database) -> int:
    return int(database.row("SELECT 'fault.pets'::regclass::oid::bigint AS oid")["oid"])


def test_what_a_call_took_before_is_what_history_says_since_it_was_found(pets: Database) -> None:
    used(pets, calls=1_000, ms=1.0, blocks=5, hours=2)
    used(pets, calls=10, ms=90.0, blocks=5, hours=-1)
    used(pets, calls=30, ms=110.0, blocks=5, hours=-2)
    build = accepted(pets)
    assert (build.calls_before, build.ms_before, build.blocks_before) == (40, 105.0, 5.0)


def test_one_that_is_there_already_is_left_alone(pets: Database) -> None:
    build = accepted(pets)
    run(pets, PETS.sql())
    before = pets.row("SELECT %s::text::regclass::oid::bigint AS oid", [PETS.name])
    done = carried_out(pets, build)
    assert (done.state, done.note) == ("valid", "it was there already")
    assert pets.row("SELECT %s::text::regclass::oid::bigint AS oid", [PETS.name]) == before


@pytest.mark.parametrize(
    "other",
    [
        "pets (born)",
        "pets (kind, born)",
        "pets (kind, born DESC NULLS LAST)",
        "pets (kind, born DESC) WHERE kind > 1",
        "pets (kind, born DESC) INCLUDE (name)",
        "pets USING brin (kind)",
    ],
)
def test_another_one_of_its_name_is_not_touched(pets: Database, other: str) -> None:
    build = accepted(pets)
    run(pets, f"CREATE INDEX {PETS.name} ON {other}")
    there = definition(pets)
    done = carried_out(pets, build)
    assert (done.state, definition(pets)) == ("failed", there)
    assert done.note == f"there is another index of the name {PETS.name}; drop or rename it first"


def test_what_broke_off_is_removed_and_built_anew(pets: Database) -> None:
    left_by_one_that_broke_off(pets)
    done = carried_out(pets, accepted(pets))
    assert (done.state, done.note) == ("valid", "removed one of its name that broke off")
    assert "UNIQUE" not in str(definition(pets))


def test_one_that_may_be_in_the_making_is_not_touched(pets: Database) -> None:
    left_by_one_that_broke_off(pets)
    build = accepted(pets)
    with session(pets) as other:
        other.execute("LOCK TABLE fault.pets IN SHARE UPDATE EXCLUSIVE MODE")
        done = carried_out(pets, build)
    assert (done.state, definition(pets) is not None) == ("failed", True)
    assert "somebody else is at the table" in done.note


def test_it_gives_way_to_who_waits_for_the_table_and_leaves_nothing(pets: Database) -> None:
    build = accepted(pets)
    with old_snapshot(pets), meanwhile(pets, _alter, phase="waiting for old"):
        done = carried_out(pets, build)
    assert (done.state, definition(pets)) == ("failed", None)
    assert "waited for it" in done.note


def _alter(other: psycopg.Connection[Any]) -> None:
    other.execute("ALTER TABLE fault.pets ADD c int")


def test_it_is_called_off_and_tells_how_far_it_is(pets: Database) -> None:
    build, seen = accepted(pets), []
    rows = BuiltIndex.objects.using(pets.alias).filter(pk=build.pk)

    def call_off(_: psycopg.Connection[Any]) -> None:
        until(lambda: str(rows.get().progress.get("phase")).startswith("waiting for old"))
        seen.append(rows.get().progress)
        building.cancel(build.pk, store=pets.alias)

    with old_snapshot(pets), meanwhile(pets, call_off, phase="waiting for old"):
        done = carried_out(pets, build)
    assert (done.state, done.note.split(";")[0], definition(pets)) == ("cancelled", "cancelled", None)
    assert seen[0]["table"] == "fault.pets"


def test_a_session_that_somebody_ends_leaves_nothing(pets: Database) -> None:
    build, pid = accepted(pets), upkeep.own_pid(pets)

    def terminate(other: psycopg.Connection[Any]) -> None:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])

    with old_snapshot(pets), meanwhile(pets, terminate, phase="waiting for old"):
        done = carried_out(pets, build)
    run(pets, "SET search_path TO fault, public")  # it is another session now
    assert (done.state, definition(pets)) == ("failed", None)
    assert done.note.startswith("somebody ended its session")


def test_it_waits_for_old_transactions_but_not_for_ever(
    pets: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BUILD_WAIT_S", 0.2)
    build = accepted(pets)
    with old_snapshot(pets):
        done = carried_out(pets, build)
    assert (done.state, definition(pets)) == ("failed", None)
    assert done.note.startswith("others held a lock on it for too long")


@pytest.mark.parametrize(
    ("meantime", "note"),
    [
        ("ALTER TABLE pets DROP COLUMN born", "one of its columns is not there any more"),
        ("DROP TABLE pets", "its table is not there any more"),
        (f"CREATE TABLE {PETS.name} ()", "something else has its name"),
    ],
)
def test_what_changed_since_it_was_accepted_is_said(pets: Database, meantime: str, note: str) -> None:
    build = accepted(pets)
    run(pets, meantime)
    done = carried_out(pets, build)
    assert (done.state, done.note) == ("failed", note)


def test_there_is_one_at_a_time(pets: Database) -> None:
    accepted(pets)
    with pytest.raises(building.NotAccepted, match="Another index"):
        building.accept(
            StoredFinding.objects.using(pets.alias).get().pk, by="x", store=pets.alias, database=pets
        )


def test_it_waits_for_maintenance_and_is_built_afterwards(pets: Database) -> None:
    build = accepted(pets)
    rows = BuiltIndex.objects.using(pets.alias).filter(pk=build.pk)
    with session(pets) as other:
        other.execute(upkeep.LOCK)
        assert building.carry_out(build.pk, store=pets.alias, database=pets) is None
        assert (rows.get().state, rows.get().note, definition(pets)) == ("queued", building.WAITS, None)
        assert building.waiting(store=pets.alias) == []  # that was just now
        other.execute(upkeep.UNLOCK)
    rows.update(beat_at=timezone.now() - building.AGAIN)
    assert building.waiting(store=pets.alias) == [build.pk]
    done = carried_out(pets, build)
    assert (done.state, done.note) == ("valid", "")
    assert building.waiting(store=pets.alias) == []


def test_nothing_waits_for_ever(pets: Database) -> None:
    build = accepted(pets)
    rows = BuiltIndex.objects.using(pets.alias).filter(pk=build.pk)
    rows.update(created_at=timezone.now() - building.MOST_WAIT, beat_at=timezone.now() - timedelta(minutes=5))
    assert building.waiting(store=pets.alias) == []
    assert (rows.get().state, rows.get().active) == ("failed", None)


def test_one_whose_process_was_killed_does_not_last(pets: Database) -> None:
    build = accepted(pets)
    rows = BuiltIndex.objects.using(pets.alias).filter(pk=build.pk)
    rows.update(state="building", beat_at=timezone.now() - maintaining.SILENT - timedelta(seconds=1))
    finding = StoredFinding.objects.using(pets.alias).get()
    building.accept(finding.pk, by="another", store=pets.alias, database=pets)
    assert rows.get().state == "failed"
    assert rows.get().note.startswith("its process ended")


@pytest.mark.parametrize(
    "evidence",
    [
        {"keys": ["kind", "-born", "name"]},
        {"keys": []},
        {"keys": [1]},
        {"keys": None},
        {"table": "pets; DROP TABLE pets"},
        {"index": "pg_class"},
        {"queryid": "x"},
        {"queryid": None},
    ],
)
def test_what_is_not_as_the_check_wrote_it_is_not_accepted(pets: Database, evidence: dict[str, Any]) -> None:
    finding = suggested(pets.alias, **evidence)
    with pytest.raises(building.NotAccepted, match="older form"):
        building.accept(finding.pk, by="x", store=pets.alias, database=pets)
    assert not BuiltIndex.objects.using(pets.alias).exists()


def test_what_there_is_nothing_to_build_of(pets: Database) -> None:
    finding = suggested(pets.alias)
    rows = StoredFinding.objects.using(pets.alias)
    for change in ({"resolved_at": timezone.now()}, {"resolved_at": None, "check_name": "unused_index"}):
        rows.update(**change)
        with pytest.raises(building.NotAccepted, match="no index that is missing"):
            building.accept(finding.pk, by="x", store=pets.alias, database=pets)
    rows.update(check_name="missing_index")
    run(pets, PETS.sql())
    with pytest.raises(building.NotAccepted, match="of its name is there"):
        building.accept(finding.pk, by="x", store=pets.alias, database=pets)
    run(pets, f"DROP INDEX {PETS.name}", "ALTER TABLE pets DROP COLUMN kind")
    with pytest.raises(building.NotAccepted, match="columns is not there"):
        building.accept(finding.pk, by="x", store=pets.alias, database=pets)
    with pytest.raises(building.NotAccepted, match="no such"):
        building.accept(finding.pk + 1, by="x", store=pets.alias, database=pets)
    assert not BuiltIndex.objects.using(pets.alias).exists()


def test_names_are_never_sql(pets: Database) -> None:
    run(pets, 'CREATE TABLE "order" ("select" int, "a""b); --" int)')
    builds.build(pets, schema="fault", table="order", name='x"; --', keys=["select", '-a"b); --'])
    there = builds.standing(pets, "fault", 'x"; --')
    assert there is not None
    assert (there["keys"], there["plain"], there["whole"]) == (["select", '-a"b); --'], True, True)
