"""Sorts that go to the disk."""

import pytest

from dbperf.catalog import server
from dbperf.checks import temporary_files
from dbperf.connections import Database
from tests.dbperf.faults import findings, run

SORT = "SELECT count(*) FROM (SELECT n FROM generate_series(1, 60000) n ORDER BY -n) x"


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_files, "A_DAY_BYTES", 1)
    assert findings(faulty, "temporary_files") == []
    monkeypatch.setattr(temporary_files, "MIN_BYTES", server.database(faulty)["temp_bytes"] + 500_000)
    run(faulty, "SET work_mem = '64kB'", SORT, "RESET work_mem")
    (finding,) = findings(faulty, "temporary_files")
    assert finding.evidence["temp_bytes"] >= 500_000
    run(faulty, "SET work_mem = '64MB'", SORT, "RESET work_mem")
    (again,) = findings(faulty, "temporary_files")
    assert again.evidence["temp_bytes"] == finding.evidence["temp_bytes"]
    monkeypatch.setattr(temporary_files, "A_DAY_BYTES", finding.evidence["bytes_a_day"] * 2)
    assert findings(faulty, "temporary_files") == []
