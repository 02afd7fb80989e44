"""Replicas behind, slots forgotten. Reads the real views; a second server would be needed for more."""

import pytest

from dbperf.catalog import server
from dbperf.checks import replication
from dbperf.connections import Database
from tests.dbperf.faults import findings, run, superuser


def test_of_this_server(faulty: Database) -> None:
    assert (server.replicas(faulty), server.slots(faulty)) == ([], [])
    assert findings(faulty, "replication") == []


def test_a_slot_that_was_left_behind(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with superuser(faulty) as other:
        other.execute("SELECT pg_create_physical_replication_slot('left_behind', true)")
        run(faulty, "CREATE TABLE t (a int)")
        assert findings(faulty, "replication") == []  # it keeps next to nothing
        monkeypatch.setattr(replication, "RETAINED_BYTES", 1)
        (finding,) = findings(faulty, "replication")
        assert (finding.subject, finding.level) == ("slot left_behind", "warning")
        other.execute(finding.remedy.sql.encode())
    assert findings(faulty, "replication") == []


def test_a_replica_behind() -> None:
    row = {"application": "standby", "state": "streaming", "lag_s": 6.0, "lag_bytes": 2048}
    (finding,) = replication.judge_replica(row)
    assert (finding.level, finding.subject) == ("warning", "replica standby")
    assert list(replication.judge_replica({**row, "lag_s": 4.9})) == []
    assert list(replication.judge_replica({**row, "lag_s": None})) == []


def test_a_slot_nobody_reads() -> None:
    row = {"name": "old", "active": False, "wal_status": "reserved", "retained_bytes": 1024**3}
    (finding,) = replication.judge_slot(row)
    assert (finding.level, finding.subject) == ("warning", "slot old")
    assert list(replication.judge_slot({**row, "active": True})) == []
    assert list(replication.judge_slot({**row, "retained_bytes": 1024**3 - 1})) == []
    assert [found.level for found in replication.judge_slot({**row, "wal_status": "lost"})] == ["critical"]
