"""Old rows that nobody froze."""

import pytest

from dbperf.checks import wraparound
from dbperf.connections import Database
from tests.dbperf.faults import run, subjects


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    run(faulty, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    run(
        faulty,
        "DO $$ BEGIN FOR n IN 1..600 LOOP BEGIN INSERT INTO t VALUES (n); EXCEPTION WHEN OTHERS THEN NULL; END;"
        " END LOOP; END $$",
    )
    assert "fault.t (transaction ids)" not in subjects(faulty, "wraparound")
    monkeypatch.setattr(wraparound, "LATE", 500 / 200_000_000)  # instead of 300 million transactions
    assert "fault.t (transaction ids)" in subjects(faulty, "wraparound")
    run(faulty, "VACUUM (FREEZE) t")
    assert "fault.t (transaction ids)" not in subjects(faulty, "wraparound")
