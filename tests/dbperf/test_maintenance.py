"""Maintenance on a real PostgreSQL: what is due, what stands in its way, and that it gives way itself."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from dbperf.connections import Database
from dbperf.maintenance.choosing import Operation
from dbperf.maintenance.working import Result
from dbperf.models import MaintenanceRun
from dbperf.services import maintaining
from tests.dbperf.faults import run, session

VACUUM = Operation.VACUUM_ANALYZE


@pytest.fixture
def worn(faulty: Database) -> Iterator[Database]:
    """A table `fault.t` of 1,000 rows, 900 of them dead; nothing was ever maintained."""
    MaintenanceRun.objects.using(faulty.alias).all().delete()
    run(
        faulty,
        "CREATE TABLE t (a int, b text) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series(1, 1000) g",
        "DELETE FROM t WHERE a > 100",
    )
    yield faulty
    MaintenanceRun.objects.using(faulty.alias).all().delete()


def maintained(database: Database, *names: str, operation: Operation = VACUUM) -> MaintenanceRun:
    """A round over these tables, or what is due."""
    begun = maintaining.begin(operation, asked=names, by="somebody", store=database.alias, database=database)
    done = maintaining.carry_out(begun.pk, store=database.alias, database=database)
    assert done is not None
    return MaintenanceRun.objects.using(database.alias).get(pk=done.pk)


def of(done: MaintenanceRun, table: str = "fault.t") -> Result:
    """What came of a table."""
    (found,) = [Result(**each) for each in done.results if each["table"] == table]
    return found


def due(database: Database) -> set[str]:
    return {one.title for one in maintaining.plan(VACUUM, database=database)}


def test_what_is_due_is_done_and_then_not_due(worn: Database) -> None:
    assert "fault.t" in due(worn)
    done = maintained(worn)
    result = of(done)
    assert (done.state, done.active, done.progress) == ("done", None, {})
    assert (result.outcome, result.why) == ("done", "900 dead rows")
    assert (result.dead_before, result.dead_after) == (900, 0)
    assert "fault.t" not in due(worn)


def test_a_few_dead_rows_are_left_to_autovacuum(worn: Database) -> None:
    maintained(worn, "fault.t")
    run(worn, "DELETE FROM t WHERE a < 5")
    assert "fault.t" not in due(worn)
    assert of(maintained(worn, "fault.t")).outcome == "done"  # who asks for it gets it


def test_what_was_vacuumed_lately_waits(worn: Database) -> None:
    maintained(worn, "t")
    run(worn, "DELETE FROM t", "INSERT INTO t SELECT g FROM generate_series(1, 500) g", "DELETE FROM t")
    result = of(maintained(worn))
    assert (result.outcome, result.note) == ("skipped", "done 0 h ago")


def test_a_locked_table_is_left_and_says_so(worn: Database) -> None:
    with session(worn) as other:
        other.execute("LOCK TABLE fault.t IN SHARE MODE")
        result = of(maintained(worn, "fault.t"))
    assert result.outcome == "skipped"
    assert "lock not available" in result.note
    assert result.dead_after == 900


def test_who_keeps_dead_rows_is_named(worn: Database) -> None:
    run(worn, "INSERT INTO t SELECT g FROM generate_series(1, 100) g")
    with session(worn) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM fault.t")
        run(worn, "DELETE FROM t")
        result = of(maintained(worn, "fault.t"))
    assert result.outcome == "done"
    assert result.dead_after > 0
    assert "(somebody)" in result.note


@pytest.fixture
def slow(worn: Database) -> Iterator[Database]:
    """VACUUM of `fault.t` takes minutes."""
    run(
        worn,
        "INSERT INTO t SELECT g, repeat('y', 500) FROM generate_series(1, 20000) g",
        "DELETE FROM t WHERE a % 2 = 0",
        "SET vacuum_cost_delay = 100",
        "SET vacuum_cost_limit = 1",
    )
    yield worn
    run(worn, "RESET vacuum_cost_delay", "RESET vacuum_cost_limit")


def meanwhile(work: Callable[[], object]) -> threading.Thread:
    """Begins a second later."""
    thread = threading.Timer(1.0, work)
    thread.start()
    return thread


def test_it_gives_way_to_who_waits_for_the_table(slow: Database) -> None:
    with session(slow) as other:
        waits = meanwhile(lambda: other.execute("ALTER TABLE fault.t ADD c int"))
        result = of(maintained(slow, "fault.t"))
        waits.join()
        other.commit()
    assert result.outcome == "stopped"
    assert result.note.endswith("waited for it")
    assert slow.rows("SELECT c FROM fault.t LIMIT 1") == [{"c": None}]


def test_it_is_cancelled_and_tells_how_far_it_is(slow: Database) -> None:
    runs = MaintenanceRun.objects.using(slow.alias)
    seen: list[dict[str, object]] = []

    def watch() -> None:
        until = time.monotonic() + 20
        while not (seen and seen[-1].get("phase")) and time.monotonic() < until:
            time.sleep(0.2)
            seen.append(runs.get(active=True).progress)
        maintaining.cancel(runs.get(active=True).pk, store=slow.alias)

    watching = meanwhile(watch)
    done = maintained(slow, "fault.t")
    watching.join()
    assert (done.state, of(done).outcome, of(done).note) == ("cancelled", "stopped", "cancelled")
    assert seen[-1]["table"] == "fault.t"
    assert seen[-1]["whole"]


def test_the_time_for_it_ends(slow: Database) -> None:
    begun = maintaining.begin(
        VACUUM, asked=["fault.t"], by="somebody", most_minutes=0, store=slow.alias, database=slow
    )
    done = maintaining.carry_out(begun.pk, store=slow.alias, database=slow)
    assert done is not None
    assert (of(done).outcome, of(done).note) == ("skipped", "the time was over")


def test_there_is_one_at_a_time(worn: Database) -> None:
    begun = maintaining.begin(VACUUM, by="one", store=worn.alias, database=worn)
    with pytest.raises(maintaining.AlreadyRunning):
        maintaining.begin(VACUUM, by="another", store=worn.alias, database=worn)
    assert maintaining.cancel(begun.pk, store=worn.alias)
    assert maintaining.carry_out(begun.pk, store=worn.alias, database=worn) is None
    maintaining.begin(VACUUM, by="another", store=worn.alias, database=worn)


def test_one_whose_process_was_killed_does_not_last(worn: Database) -> None:
    begun = maintaining.begin(VACUUM, by="one", store=worn.alias, database=worn)
    rows = MaintenanceRun.objects.using(worn.alias).filter(pk=begun.pk)
    rows.update(state="running", beat_at=timezone.now() - maintaining.SILENT - timedelta(seconds=1))
    maintaining.begin(VACUUM, by="another", store=worn.alias, database=worn)
    assert rows.values_list("state", "note").get() == ("failed", "its process ended")


def test_a_table_that_is_none(worn: Database) -> None:
    with pytest.raises(maintaining.NoSuchTable, match="nope"):
        maintaining.begin(VACUUM, asked=["nope"], by="one", store=worn.alias, database=worn)
    assert not MaintenanceRun.objects.using(worn.alias).exists()


def test_analyze_alone(worn: Database) -> None:
    result = of(maintained(worn, "fault.t", operation=Operation.ANALYZE))
    assert (result.outcome, result.dead_after > 0) == ("done", True)


def test_indexes_that_are_half_empty_are_rebuilt(worn: Database) -> None:
    run(
        worn,
        "CREATE EXTENSION IF NOT EXISTS pgstattuple SCHEMA public",
        "CREATE TABLE big (a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO big SELECT g FROM generate_series(1, 200000) g",
        "CREATE INDEX big_a ON big (a)",
        "CREATE INDEX big_full ON big (a) WHERE a % 10 = 0",
        "DELETE FROM big WHERE a % 10 <> 0",
        "VACUUM ANALYZE big",
    )
    before = worn.row("SELECT pg_relation_size('fault.big_a') AS size")["size"]
    result = of(maintained(worn, "big", operation=Operation.REINDEX), "fault.big")
    assert result.note.startswith("rebuilt big_a;")
    assert worn.row("SELECT pg_relation_size('fault.big_a') AS size")["size"] < before / 4
    assert worn.rows("SELECT FROM pg_index WHERE NOT indisvalid") == []
