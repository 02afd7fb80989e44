"""Who waits for whom, down to the one who waits for nobody."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dbperf.catalog import activity
from dbperf.checks import blocking
from dbperf.connections import Database
from tests.dbperf.faults import findings, run, session, until


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "WARNING_S", 0.0)
    run(faulty, "CREATE TABLE t (a int)")
    with (
        session(faulty) as root,
        session(faulty) as first,
        session(faulty) as second,
        ThreadPoolExecutor() as threads,
    ):
        root.execute("LOCK TABLE fault.t IN SHARE MODE")
        waiting = [threads.submit(first.execute, "LOCK TABLE fault.t")]
        until(lambda: len(activity.blocked(faulty)) == 1)
        waiting.append(threads.submit(second.execute, "SELECT FROM fault.t"))
        until(lambda: len(activity.blocked(faulty)) == 2)
        (finding,) = findings(faulty, "blocking")
        assert finding.subject == f"pid {root.info.backend_pid}"
        assert finding.evidence["victims"] == sorted([first.info.backend_pid, second.info.backend_pid])
        root.rollback()
        waiting[0].result(30)
        first.rollback()
        waiting[1].result(30)
        assert findings(faulty, "blocking") == []


def test_a_lock_that_nobody_waits_for(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "WARNING_S", 0.0)
    run(faulty, "CREATE TABLE t (a int)")
    with session(faulty) as root:
        root.execute("LOCK TABLE fault.t")
        assert findings(faulty, "blocking") == []
