"""REINDEX: what was measured to be half empty, and nothing left behind."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from dbperf.catalog import upkeep
from dbperf.connections import Database
from dbperf.maintenance import rebuilding
from tests.dbperf.faults import run, session, until
from tests.dbperf.upkeep import REINDEX, due, maintained, meanwhile, of, stop

BIG = "fault.big"
WAITING = "waiting for writers before build"


@pytest.fixture
def hollow(worn: Database) -> Database:
    """A table `fault.big` without a dead row, whose index `big_a` is nine tenths empty."""
    run(
        worn,
        "CREATE EXTENSION IF NOT EXISTS pgstattuple SCHEMA public",
        "CREATE TABLE big (a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO big SELECT g FROM generate_series(1, 100000) g",
        "CREATE INDEX big_a ON big (a)",
        "DELETE FROM big WHERE a % 10 <> 0",
        "VACUUM (ANALYZE) big",
    )
    return worn


def invalid(database: Database) -> list[str]:
    rows = database.rows(
        "SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT indisvalid"
    )
    return [row["name"] for row in rows]


def test_half_empty_indexes_are_found_and_rebuilt(hollow: Database) -> None:
    """Also one over an expression, of which nobody can tell how large it should be."""
    run(
        hollow,
        "INSERT INTO big SELECT g FROM generate_series(1, 100000) g",
        "CREATE INDEX big_sum ON big ((a + 1))",
        "CREATE INDEX big_full ON big (a) INCLUDE (a)",
        "DELETE FROM big WHERE a % 10 <> 0",
        "VACUUM (ANALYZE) big",
        "REINDEX INDEX big_full",
    )
    why = due(hollow, REINDEX)[BIG]
    assert re.search(r"big_a \(2.* MB\) would take about [345]\d\d kB", why)
    assert "nobody can estimate how full big_sum" in why
    before = hollow.row("SELECT pg_relation_size('fault.big_a') AS size")["size"]
    done = maintained(hollow, operation=REINDEX)
    assert [row["table"] for row in done.results] == [BIG]
    assert of(done, BIG).outcome == "done"
    assert "rebuilt big_a, " in of(done, BIG).note
    assert "rebuilt big_sum, " in of(done, BIG).note
    assert hollow.row("SELECT pg_relation_size('fault.big_a') AS size")["size"] < before / 2
    assert BIG not in due(hollow, REINDEX)
    again = of(maintained(hollow, BIG, operation=REINDEX), BIG)
    assert (again.outcome, again.note) == ("skipped", "3 are small, or of another kind")


def test_nothing_is_rebuilt_that_nobody_measured(hollow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "EXTENSION", "not_there")
    result = of(maintained(hollow, operation=REINDEX), BIG)
    assert result.outcome == "skipped"
    assert result.note == "no index was measured: the extension not_there is not there"


def test_one_that_breaks_off_leaves_nothing(hollow: Database) -> None:
    """Somebody's transaction makes it wait, and ends while what it had begun is removed."""
    with session(hollow) as writer:
        writer.execute("INSERT INTO fault.big VALUES (1)")

        def break_off(other: psycopg.Connection[Any]) -> None:
            stop(hollow)
            until(lambda: _dropping(other))
            writer.commit()

        with meanwhile(hollow, break_off, phase=WAITING):
            result = of(maintained(hollow, operation=REINDEX), BIG)
    assert (result.outcome, result.note) == ("stopped", "cancelled; removed big_a_ccnew, which broke off")
    assert invalid(hollow) == []


def test_what_cannot_be_removed_is_told_and_goes_with_the_next(
    hollow: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "DROP_WAIT_S", 0.2)
    monkeypatch.setattr(rebuilding, "REBUILD_WAIT_S", 0.2)
    with session(hollow) as writer:
        writer.execute("INSERT INTO fault.big VALUES (1)")
        result = of(maintained(hollow, operation=REINDEX), BIG)
    assert (result.outcome, result.note) == (
        "failed",
        "others held a lock on it for too long; big_a_ccnew, which is invalid, is left for the next REINDEX:"
        " it was locked",
    )
    assert invalid(hollow) == ["big_a_ccnew"]
    assert "big_a_ccnew was left by a rebuild that broke off" in due(hollow, REINDEX)[BIG]
    result = of(maintained(hollow, operation=REINDEX), BIG)
    assert result.note.startswith("removed big_a_ccnew, which broke off; rebuilt big_a")
    assert invalid(hollow) == []


def test_what_somebody_else_is_building_is_left_alone(
    hollow: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "DROP_WAIT_S", 0.2)
    monkeypatch.setattr(rebuilding, "REBUILD_WAIT_S", 0.2)
    with session(hollow) as writer, session(hollow) as builder, ThreadPoolExecutor(1) as pool:
        writer.execute("INSERT INTO fault.big VALUES (1)")
        builder.autocommit = True
        building = pool.submit(builder.execute, "REINDEX INDEX CONCURRENTLY fault.big_a")
        until(lambda: (upkeep.progress(hollow, builder.info.backend_pid) or {}).get("phase") == WAITING)
        result = of(maintained(hollow, BIG, operation=REINDEX), BIG)
        writer.commit()
        building.result(timeout=60)
    assert (result.outcome, result.note) == ("failed", "others held a lock on it for too long")
    assert invalid(hollow) == []


def test_what_others_left_is_not_taken_for_ours(hollow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was locked when ours was begun, and is not when ours breaks off."""
    monkeypatch.setattr(rebuilding, "DROP_WAIT_S", 0.2)
    monkeypatch.setattr(rebuilding, "REBUILD_WAIT_S", 0.2)
    with session(hollow) as writer:
        writer.execute("INSERT INTO fault.big VALUES (1)")
        maintained(hollow, BIG, operation=REINDEX)
    monkeypatch.setattr(rebuilding, "REBUILD_WAIT_S", 60)
    monkeypatch.setattr(rebuilding, "DROP_WAIT_S", 10)
    with session(hollow) as writer, session(hollow) as holder:
        writer.execute("INSERT INTO fault.big VALUES (1)")
        holder.execute("COMMENT ON INDEX fault.big_a_ccnew IS 'somebody is at it'")

        def break_off(other: psycopg.Connection[Any]) -> None:
            holder.rollback()
            stop(hollow)
            until(lambda: _dropping(other))
            writer.commit()

        with meanwhile(hollow, break_off, phase=WAITING):
            result = of(maintained(hollow, BIG, operation=REINDEX), BIG)
    assert (result.outcome, result.note) == ("stopped", "cancelled; removed big_a_ccnew1, which broke off")
    assert invalid(hollow) == ["big_a_ccnew"]


def _dropping(other: psycopg.Connection[Any]) -> bool:
    found = other.execute(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
        " AND query LIKE 'DROP INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
    )
    return found.rowcount > 0
