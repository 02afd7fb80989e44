"""Checkpoints before their time."""

import pytest

from dbperf.catalog import server
from dbperf.checks import checkpoints
from dbperf.connections import Database
from tests.dbperf.faults import findings, superuser, until


def test_of_this_server(faulty: Database) -> None:
    row = server.checkpoints(faulty)
    assert {"timed", "requested"} <= row.keys()
    assert findings(faulty, "checkpoints") == list(checkpoints.judge(row))


def test_checkpoints_that_somebody_asks_for(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MIN_CHECKPOINTS", 3)
    counted_by = "checkpointer" if faulty.version >= 17 else "bgwriter"
    reset = f"SELECT pg_stat_reset_shared('{counted_by}')"
    with superuser(faulty) as other:
        other.execute(reset)
        assert findings(faulty, "checkpoints") == []
        for _ in range(3):
            other.execute("CHECKPOINT")
        until(lambda: findings(faulty, "checkpoints") != [])
        other.execute(reset)
        until(lambda: findings(faulty, "checkpoints") == [])


def test_it() -> None:
    (finding,) = checkpoints.judge({"timed": 9, "requested": 11})
    assert finding.evidence["early_pct"] == 55.0
    assert list(checkpoints.judge({"timed": 10, "requested": 10})) == []
    assert list(checkpoints.judge({"timed": 5, "requested": 14})) == []  # too few to say
