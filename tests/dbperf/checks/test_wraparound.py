"""Old rows that nobody froze."""

import pytest

from dbperf.checks import wraparound
from dbperf.connections import Database
from tests.dbperf.faults import run, session, subjects


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


def test_rows_that_several_locked_at_once(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    run(faulty, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    monkeypatch.setattr(wraparound, "LATE", 2.5 / 400_000_000)  # instead of 600 million
    for _ in range(3):
        assert "fault.t (multixact ids)" not in subjects(faulty, "wraparound")
        with session(faulty) as one, session(faulty) as other:
            for each in (one, other):
                each.execute("SELECT FROM fault.t FOR SHARE")
    assert "fault.t (multixact ids)" in subjects(faulty, "wraparound")
    run(faulty, "VACUUM (FREEZE) t")
    assert "fault.t (multixact ids)" not in subjects(faulty, "wraparound")
