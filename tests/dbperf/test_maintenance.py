"""Maintenance on a real PostgreSQL: what is due, what stands in its way, and that it gives way itself."""

import re
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from dbperf.catalog import upkeep
from dbperf.connections import Database
from dbperf.maintenance import bloat
from dbperf.maintenance.choosing import Chosen, Operation
from dbperf.maintenance.working import GONE, Result, treat
from dbperf.models import MaintenanceRun
from dbperf.services import maintaining
from tests import scratch
from tests.dbperf.faults import run, session, until
from tests.dbperf.upkeep import VACUUM, due, maintained, meanwhile, needs_the_login, of, stop


def test_what_is_due_is_done_and_then_not_due(worn: Database) -> None:
    assert "fault.t" in due(worn)
    done = maintained(worn)
    result = of(done)
    assert (done.state, done.active, done.progress) == ("done", None, {})
    assert (result.outcome, result.cause, result.why) == ("done", "dead", "900 dead rows")
    assert (result.dead_before, result.dead_after) == (900, 0)
    assert "fault.t" not in due(worn)


def test_what_was_vacuumed_lately_waits(worn: Database) -> None:
    maintained(worn, "t")
    run(worn, "DELETE FROM t", "INSERT INTO t SELECT g FROM generate_series(1, 500) g", "DELETE FROM t")
    result = of(maintained(worn))
    assert (result.outcome, result.note) == ("skipped", "done 0 h ago")
    assert (result.dead_before, result.dead_after) == (None, None)


def test_a_locked_table_is_left_and_says_so(worn: Database) -> None:
    with session(worn) as other:
        other.execute("LOCK TABLE fault.t IN SHARE MODE")
        result = of(maintained(worn, "fault.t"))
    assert result.outcome == "skipped"
    assert "lock not available" in result.note
    assert result.dead_after == 900


@needs_the_login
@pytest.mark.parametrize("operation", Operation)
def test_a_table_of_another_owner_is_left_and_says_so(
    worn: Database, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bloat, "MIN_BYTES", 0)
    stranger = Database(scratch.explaining(worn.alias))
    run(worn, f"GRANT USAGE ON SCHEMA fault TO {stranger.connection.settings_dict['USER']}")
    run(worn, "CREATE INDEX ON t (a)")
    begun = maintaining.begin(operation, asked=["fault.t"], by="one", store=worn.alias, database=worn)
    done = maintaining.carry_out(begun.pk, store=worn.alias, database=stranger)
    assert done is not None
    result = of(done)
    assert (done.state, result.outcome) == ("done", "skipped")
    assert re.search("permission|owner|another's", result.note)


def test_who_keeps_dead_rows_is_named(worn: Database) -> None:
    run(worn, "INSERT INTO t SELECT g FROM generate_series(1, 100) g")
    with session(worn) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM fault.t")
        run(worn, "DELETE FROM t")
        result = of(maintained(worn, "fault.t"))
    assert result.outcome == "done"
    assert result.dead_after
    assert "(somebody)" in result.note


def test_a_table_that_is_dropped_meanwhile_is_one_row(worn: Database) -> None:
    run(worn, "CREATE TABLE short_lived (a int)")
    names = ["fault.short_lived", "fault.t"]
    begun = maintaining.begin(VACUUM, asked=names, by="somebody", store=worn.alias, database=worn)
    run(worn, "DROP TABLE short_lived")
    done = maintaining.carry_out(begun.pk, store=worn.alias, database=worn)
    assert done is not None
    assert done.state == "done"
    assert [(row["table"], row["outcome"]) for row in done.results] == [
        ("fault.short_lived", "skipped"),
        ("fault.t", "done"),
    ]
    assert of(done, "fault.short_lived").note == "there is no such table any more"


@pytest.mark.parametrize("operation", Operation)
def test_one_that_is_dropped_between_choice_and_turn(worn: Database, operation: Operation) -> None:
    def treated(oid: int) -> Result:
        chosen = Chosen(oid, "fault", "short_lived", "asked for")
        return treat(worn, chosen, operation, ask=lambda: "", tell=lambda progress: None)

    before, during = treated(999_999), treated(_oid(worn, "t"))
    assert (before.outcome, before.note, before.dead_after) == ("skipped", GONE, None)
    if operation is not Operation.REINDEX:  # which goes by the table's indexes, and finds none
        assert (during.outcome, during.note, during.dead_before) == ("skipped", GONE, 900)


def _oid(database: Database, table: str) -> int:
    return int(database.row(f"SELECT '{table}'::regclass::oid::bigint AS oid")["oid"])


def test_it_gives_way_to_who_waits_for_the_table(slow: Database) -> None:
    with meanwhile(slow, lambda other: other.execute("ALTER TABLE fault.t ADD c int")):
        result = of(maintained(slow, "fault.t"))
    assert result.outcome == "stopped"
    assert result.note.endswith("waited for it")
    assert (result.dead_before, result.dead_after) == (10_950, None)
    assert slow.rows("SELECT c FROM fault.t LIMIT 1") == [{"c": None}]


def test_it_is_cancelled_and_tells_how_far_it_is(slow: Database) -> None:
    runs = MaintenanceRun.objects.using(slow.alias)
    seen: list[dict[str, object]] = []

    def watch(_: psycopg.Connection[object]) -> None:
        until(lambda: bool(runs.get(active=True).progress.get("phase")))
        seen.append(runs.get(active=True).progress)
        stop(slow)

    with meanwhile(slow, watch):
        done = maintained(slow, "fault.t")
    assert (done.state, of(done).outcome, of(done).note) == ("cancelled", "stopped", "cancelled")
    assert seen[-1]["table"] == "fault.t"
    assert seen[-1]["whole"]


def test_the_time_for_it_ends(slow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    run(slow, "CREATE TABLE u (a int)")
    monkeypatch.setattr(maintaining, "MINUTE_S", 0.3)
    begun = maintaining.begin(
        VACUUM, asked=["fault.t", "u"], by="somebody", most_minutes=1, store=slow.alias, database=slow
    )
    done = maintaining.carry_out(begun.pk, store=slow.alias, database=slow)
    assert done is not None
    over = "the time was over"
    assert (of(done).outcome, of(done).note) == ("stopped", over)
    assert (of(done, "fault.u").outcome, of(done, "fault.u").note) == ("skipped", over)


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


def test_one_that_was_only_taken_for_lost_still_holds_the_lock(slow: Database) -> None:
    """Two at once, the second of which finds that the first one's process lives, and waits for it."""
    runs = MaintenanceRun.objects.using(slow.alias)

    def begin_another(_: psycopg.Connection[object]) -> None:
        runs.filter(active=True).update(active=None, state="failed", note="its process ended")
        begun = maintaining.begin(VACUUM, asked=["fault.t"], by="another", store=slow.alias, database=slow)
        assert maintaining.carry_out(begun.pk, store=slow.alias, database=slow) is None

    with meanwhile(slow, begin_another):
        first = maintained(slow, "fault.t")
    assert of(first).note == "it was taken for lost"
    second = runs.get(active=True)
    assert (second.state, second.note, second.results) == ("queued", maintaining.WAITS, [])
    assert maintaining.waits(second.pk, store=slow.alias)


@pytest.fixture
def waiting_run(worn: Database) -> Iterator[MaintenanceRun]:
    """A round that met somebody else's maintenance, which is still under way."""
    begun = maintaining.begin(VACUUM, asked=["fault.t"], by="one", store=worn.alias, database=worn)
    with session(worn) as other:
        other.execute(upkeep.LOCK)
        assert maintaining.carry_out(begun.pk, store=worn.alias, database=worn) is None
        yield begun


def test_what_waits_is_tried_again(worn: Database, waiting_run: MaintenanceRun) -> None:
    rows = MaintenanceRun.objects.using(worn.alias).filter(pk=waiting_run.pk)
    assert maintaining.waiting(store=worn.alias) == []  # that was just now
    rows.update(beat_at=timezone.now() - maintaining.AGAIN, created_at=timezone.now() - maintaining.UNCLAIMED)
    assert maintaining.waiting(store=worn.alias) == [waiting_run.pk]
    with pytest.raises(maintaining.AlreadyRunning):
        maintaining.begin(VACUUM, by="another", store=worn.alias, database=worn)


def test_what_waited_is_done_when_the_other_is_through(worn: Database) -> None:
    begun = maintaining.begin(VACUUM, asked=["fault.t"], by="one", store=worn.alias, database=worn)
    with session(worn) as other:
        other.execute(upkeep.LOCK)
        assert maintaining.carry_out(begun.pk, store=worn.alias, database=worn) is None
        assert maintaining.waits(begun.pk, store=worn.alias)
    done = maintaining.carry_out(begun.pk, store=worn.alias, database=worn)
    assert done is not None
    assert (done.state, done.note, of(done).outcome) == ("done", "", "done")


def test_what_waited_too_long_is_given_up(worn: Database, waiting_run: MaintenanceRun) -> None:
    rows = MaintenanceRun.objects.using(worn.alias).filter(pk=waiting_run.pk)
    rows.update(created_at=timezone.now() - maintaining.MOST_WAIT)
    assert maintaining.waiting(store=worn.alias) == []
    assert rows.values_list("state", "active", "note").get() == ("failed", None, "it waited for two hours")


def test_what_waits_can_be_cancelled(worn: Database, waiting_run: MaintenanceRun) -> None:
    assert maintaining.cancel(waiting_run.pk, store=worn.alias)
    assert not maintaining.waits(waiting_run.pk, store=worn.alias)
    assert maintaining.carry_out(waiting_run.pk, store=worn.alias, database=worn) is None


def test_a_table_that_is_none(worn: Database) -> None:
    with pytest.raises(maintaining.NoSuchTable, match="nope"):
        maintaining.begin(VACUUM, asked=["nope"], by="one", store=worn.alias, database=worn)
    assert not MaintenanceRun.objects.using(worn.alias).exists()


def test_analyze_alone(worn: Database) -> None:
    result = of(maintained(worn, "fault.t", operation=Operation.ANALYZE))
    assert (result.outcome, result.dead_after) == ("done", 900)


def test_one_that_somebody_cancels_says_so(slow: Database) -> None:
    pid = upkeep.own_pid(slow)
    with meanwhile(slow, lambda other: other.execute("SELECT pg_cancel_backend(%s)", [pid])):
        result = of(maintained(slow, "fault.t"))
    assert (result.outcome, result.note) == ("failed", "somebody cancelled it, or statement_timeout did")


def test_a_session_that_somebody_ends_is_the_end_of_the_round(slow: Database) -> None:
    pid = upkeep.own_pid(slow)
    run(slow, "CREATE TABLE u (a int)")
    with meanwhile(slow, lambda other: other.execute("SELECT pg_terminate_backend(%s)", [pid])):
        done = maintained(slow, "fault.t", "fault.u")
    assert (done.state, done.note) == ("failed", "the connection to the database was lost")
    assert [(row["table"], row["note"]) for row in done.results] == [
        ("fault.t", "somebody ended its session")
    ]
