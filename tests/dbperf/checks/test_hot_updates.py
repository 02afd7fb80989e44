"""Updates that write to every index."""

import pytest

from dbperf.checks import hot_updates
from dbperf.connections import Database
from tests.dbperf.faults import findings, run


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_updates, "MIN_UPDATES", 100)


def test_an_index_on_what_changes(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (id int PRIMARY KEY, a int) WITH (fillfactor = 20)",
        "CREATE INDEX changing ON t (a)",
    )
    run(faulty, "INSERT INTO t SELECT n, 0 FROM generate_series(1, 200) n", "UPDATE t SET a = a + 1")
    (finding,) = findings(faulty, "hot_updates")
    assert (finding.subject, finding.evidence["hot_pct"]) == ("fault.t", 0.0)
    run(faulty, "DROP INDEX changing", *["UPDATE t SET a = a + 1", "VACUUM t"] * 2)
    assert findings(faulty, "hot_updates") == []


def test_no_room_on_the_page(faulty: Database) -> None:
    run(faulty, "CREATE TABLE t (id int PRIMARY KEY, a int, pad text) WITH (autovacuum_enabled = off)")
    run(
        faulty,
        "INSERT INTO t SELECT n, 0, repeat('x', 200) FROM generate_series(1, 2000) n",
        "UPDATE t SET a = a + 1",
    )
    (finding,) = findings(faulty, "hot_updates")
    assert bool(finding.remedy.sql) is (faulty.version >= 16)
