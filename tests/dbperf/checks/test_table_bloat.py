"""More room than the rows need."""

import pytest

from dbperf.checks import table_bloat
from dbperf.connections import Database
from tests.dbperf.faults import findings, run


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_bloat, "MIN_BYTES", 1_000_000)


def test_it(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int, pad text) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n",
        "VACUUM ANALYZE t",
    )
    assert findings(faulty, "table_bloat") == []
    run(faulty, "DELETE FROM t WHERE a % 3 > 0", "VACUUM ANALYZE t")
    (finding,) = findings(faulty, "table_bloat")
    assert finding.subject == "fault.t"
    assert finding.evidence["confirmed"]
    assert 60 < finding.evidence["empty_pct"] < 70
    run(faulty, "VACUUM FULL t", "VACUUM ANALYZE t")
    assert findings(faulty, "table_bloat") == []


def test_room_left_on_purpose_is_none(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int, pad text) WITH (fillfactor = 90, autovacuum_enabled = off)",
        "INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n",
        "VACUUM ANALYZE t",
    )
    assert findings(faulty, "table_bloat") == []
