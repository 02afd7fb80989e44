"""Checkpoints before their time."""

from dbperf.catalog import server
from dbperf.checks import checkpoints
from dbperf.connections import Database
from tests.dbperf.faults import findings


def test_of_this_server(faulty: Database) -> None:
    row = server.checkpoints(faulty)
    assert {"timed", "requested"} <= row.keys()
    assert findings(faulty, "checkpoints") == list(checkpoints.judge(row))


def test_it() -> None:
    (finding,) = checkpoints.judge({"timed": 9, "requested": 11})
    assert finding.evidence["early_pct"] == 55.0
    assert list(checkpoints.judge({"timed": 10, "requested": 10})) == []
    assert list(checkpoints.judge({"timed": 5, "requested": 14})) == []  # too few to say
