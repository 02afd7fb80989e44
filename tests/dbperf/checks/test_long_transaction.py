"""A transaction at work for long."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.errors import QueryCanceled

from dbperf.catalog import activity
from dbperf.checks import long_transaction
from dbperf.connections import Database
from tests.dbperf.faults import findings, run, session, until


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_transaction, "WARNING_S", 0.2)
    with session(faulty) as other, ThreadPoolExecutor() as threads:
        asleep = threads.submit(other.execute, "SELECT pg_sleep(60)")
        until(lambda: findings(faulty, "long_transaction") != [])
        (finding,) = findings(faulty, "long_transaction")
        assert finding.evidence["pid"] == other.info.backend_pid
        run(faulty, finding.remedy.sql)
        with pytest.raises(QueryCanceled):
            asleep.result(30)
        other.rollback()
        assert findings(faulty, "long_transaction") == []


def test_backups_may_take_long(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_transaction, "WARNING_S", 0.0)
    monkeypatch.setattr(long_transaction, "EXPECTED", ("somebody",))
    with session(faulty) as other, ThreadPoolExecutor() as threads:
        asleep = threads.submit(other.execute, "SELECT pg_sleep(1)")
        until(lambda: len(activity.sessions(faulty)) == 1)
        assert findings(faulty, "long_transaction") == []
        asleep.result(30)
