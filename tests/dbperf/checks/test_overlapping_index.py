"""One that begins another."""

import pytest

from dbperf.checks import overlapping_index
from dbperf.connections import Database
from tests.dbperf.faults import findings, run


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlapping_index, "MIN_BYTES", 8192)


def test_a_beginning(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int, b int)",
        "CREATE INDEX short ON t (a)",
        "CREATE INDEX long ON t (a, b)",
    )
    (finding,) = findings(faulty, "overlapping_index")
    assert (finding.subject, finding.evidence["begins"]) == ("fault.short", "long")
    with pytest.MonkeyPatch.context() as larger:
        larger.setattr(overlapping_index, "MIN_BYTES", 8193)
        assert findings(faulty, "overlapping_index") == []
    run(faulty, finding.remedy.sql)
    assert findings(faulty, "overlapping_index") == []


@pytest.mark.parametrize(
    "short",
    [
        "INDEX s ON t (b)",
        "UNIQUE INDEX s ON t (a)",
        "INDEX s ON t (a) WHERE b > 1",
        "INDEX s ON t USING hash (a)",
    ],
)
def test_near_misses(faulty: Database, short: str) -> None:
    run(faulty, "CREATE TABLE t (a int, b int)", "CREATE INDEX long ON t (a, b)", f"CREATE {short}")
    assert findings(faulty, "overlapping_index") == []
