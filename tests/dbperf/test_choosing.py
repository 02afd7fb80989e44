"""Whose turn it is: by autovacuum's own measures, at half of what it waits for."""

import pytest

from dbperf.catalog import tables
from dbperf.connections import Database, Row
from dbperf.maintenance.choosing import Operation
from tests.dbperf.faults import run, session
from tests.dbperf.upkeep import REINDEX, due, maintained, of

OFF = "WITH (autovacuum_enabled = off)"


@pytest.fixture
def grown(worn: Database) -> Database:
    """A table `fault.g` of 2,000 rows that was analyzed and never vacuumed, and nothing else to do."""
    run(
        worn, "DROP TABLE t", f"CREATE TABLE g (a int) {OFF}", "INSERT INTO g SELECT generate_series(1, 2000)"
    )
    run(worn, "ANALYZE g")
    return worn


def row_of(database: Database, table: str) -> Row:
    (found,) = [row for row in tables.tables(database) if row["name"] == table and row["schema"] == "fault"]
    return found


def _burn(database: Database) -> None:
    """50,000 transaction ids."""
    run(
        database,
        "CREATE TABLE burnt (a int)",
        "DO $$ BEGIN FOR n IN 1..50000 LOOP BEGIN INSERT INTO burnt VALUES (n); EXCEPTION WHEN OTHERS THEN NULL; END;"
        " END LOOP; END $$",
        "DROP TABLE burnt",
    )


def test_a_table_that_only_grows_is_vacuumed(grown: Database) -> None:
    assert row_of(grown, "g")["insert_limit"] == 1_000 + 0.2 * 2_000
    assert due(grown)["fault.g"] == "2,000 rows inserted since it was vacuumed"
    assert "fault.g" not in due(grown, Operation.ANALYZE)
    assert of(maintained(grown, "g"), "fault.g").outcome == "done"
    assert "fault.g" not in due(grown)


def test_inserts_do_not_count_where_they_are_not_to(grown: Database) -> None:
    run(grown, "ALTER TABLE g SET (autovacuum_vacuum_insert_threshold = -1)")
    assert row_of(grown, "g")["insert_limit"] is None
    assert "fault.g" not in due(grown)


def test_what_autovacuum_waits_for_since_18(grown: Database) -> None:
    """A ceiling for dead rows; inserts count against what is not frozen."""
    new = grown.version >= 18
    run(grown, "SET synchronous_commit = on", "CREATE TABLE flushed ()", "RESET synchronous_commit")
    run(grown, "VACUUM (FREEZE, ANALYZE) g")
    assert row_of(grown, "g")["insert_limit"] == (1_000 if new else 1_400)
    for most, limit in ((7, 7), (-1, 450)) if new else ():
        run(grown, f"ALTER TABLE g SET (autovacuum_vacuum_max_threshold = {most})")
        assert row_of(grown, "g")["vacuum_limit"] == limit


def test_old_transaction_ids_are_frozen(grown: Database) -> None:
    """Half of what the table lets them age to; however lately it was vacuumed."""
    run(grown, "VACUUM g")
    _burn(grown)
    assert "fault.g" not in due(grown)
    run(grown, "ALTER TABLE g SET (autovacuum_freeze_max_age = 100000)")
    assert due(grown)["fault.g"].startswith("its oldest transaction id is 50,0")
    assert of(maintained(grown), "fault.g").outcome == "done"
    assert row_of(grown, "g")["xid_age"] < 100
    assert "fault.g" not in due(grown)


def test_old_multixact_ids_are_frozen(grown: Database) -> None:
    lock = "SELECT 1 FROM fault.g WHERE a = 1 FOR KEY SHARE"
    run(grown, "CREATE INDEX ON g (a)", "VACUUM g")
    with session(grown) as other:
        other.execute(lock)
        perform = lock.replace("SELECT", "PERFORM", 1)
        run(grown, f"DO $$ BEGIN FOR n IN 1..5001 LOOP {perform}; COMMIT; END LOOP; END $$")
    run(grown, "ALTER TABLE g SET (autovacuum_multixact_freeze_max_age = 10000)")
    assert due(grown)["fault.g"].startswith("its oldest multixact id is 5,0")
    assert of(maintained(grown), "fault.g").outcome == "done"
    assert row_of(grown, "g")["mxid_age"] < 100


def test_what_cannot_be_frozen_says_who_keeps_it(grown: Database) -> None:
    run(grown, "VACUUM g", "ALTER TABLE g SET (autovacuum_freeze_max_age = 100000)")
    with session(grown) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM fault.g")
        _burn(grown)
        result = of(maintained(grown), "fault.g")
    assert result.outcome == "done"
    assert "(somebody)" in result.note


def test_dead_rows_are_no_reason_to_rebuild_indexes(worn: Database) -> None:
    run(worn, "CREATE INDEX ON t (a)")
    assert "fault.t" in due(worn)
    assert "fault.t" not in due(worn, REINDEX)


@pytest.fixture
def parted(grown: Database) -> Database:
    """A table `fault.p` of two partitions that were analyzed and vacuumed, and it was not."""
    run(
        grown,
        "CREATE TABLE p (a int) PARTITION BY RANGE (a)",
        f"CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000) {OFF}",
        f"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (100000) {OFF}",
        "INSERT INTO p SELECT generate_series(0, 1999)",
        "VACUUM (ANALYZE) p1, p2",
    )
    return grown


def test_what_has_partitions_is_analyzed_as_a_whole(parted: Database) -> None:
    assert due(parted)["fault.p"] == "it was never analyzed as a whole, which autovacuum does not do"
    before = row_of(parted, "p1")["vacuumed_at"]
    result = of(maintained(parted), "fault.p")
    assert (result.outcome, result.dead_before, result.dead_after) == ("done", None, None)
    assert row_of(parted, "p1")["vacuumed_at"] == before  # a VACUUM of the whole would be one of each
    (row,) = parted.rows("SELECT inherited FROM pg_stats WHERE schemaname = 'fault' AND tablename = 'p'")
    assert row["inherited"]
    assert "fault.p" not in due(parted)


def test_it_is_analyzed_again_when_its_partitions_have_grown(parted: Database) -> None:
    run(parted, "ANALYZE p", "INSERT INTO p SELECT generate_series(2000, 2999)", "ANALYZE p2")
    assert due(parted)["fault.p"] == "its partitions have 3,000 rows, and had 2,000 when it was analyzed"
    assert of(maintained(parted), "fault.p").note == "done 0 h ago"
    assert of(maintained(parted, "p", operation=Operation.ANALYZE), "fault.p").outcome == "done"
    assert "fault.p" not in due(parted, Operation.ANALYZE)


def test_what_has_partitions_has_no_indexes_to_rebuild(parted: Database) -> None:
    result = of(maintained(parted, "p", operation=REINDEX), "fault.p")
    assert (result.outcome, result.note) == ("skipped", "its partitions have the indexes; ask for those")
