"""A big table read from end to end, again and again."""

import pytest

from dbperf.connections import Database
from tests.dbperf.faults import findings, run


@pytest.fixture
def big(faulty: Database) -> Database:
    run(
        faulty,
        "CREATE TABLE t (a int, pad text)",
        "INSERT INTO t SELECT n, repeat('x', 700) FROM generate_series(1, 16000) n",
        "VACUUM ANALYZE t",
    )
    return faulty


def test_it(big: Database) -> None:
    run(big, *["SELECT count(*) FROM t WHERE a = 5"] * 9)
    assert findings(big, "sequential_scans") == []  # not often enough to say
    run(big, "SELECT count(*) FROM t WHERE a = 5")
    (finding,) = findings(big, "sequential_scans")
    assert (finding.subject, finding.evidence["rows_a_scan"]) == ("fault.t", 16_000)
    run(big, "CREATE INDEX ON t (a)", "VACUUM t", *["SELECT pad FROM t WHERE a = 5"] * 260)
    assert findings(big, "sequential_scans") == []


def test_a_small_table_may_be_read_whole(faulty: Database) -> None:
    run(faulty, "CREATE TABLE t (a int)", "INSERT INTO t SELECT generate_series(1, 5000)", "ANALYZE t")
    run(faulty, *["SELECT count(*) FROM t WHERE a = 5"] * 12)
    assert findings(faulty, "sequential_scans") == []
