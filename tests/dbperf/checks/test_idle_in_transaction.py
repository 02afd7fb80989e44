"""A session that opened a transaction and went away."""

import pytest

from dbperf.checks import idle_in_transaction
from dbperf.connections import Database
from tests.dbperf.faults import findings, session


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with session(faulty) as other:
        other.execute("SELECT 1")
        assert findings(faulty, "idle_in_transaction") == []  # not for a minute
        monkeypatch.setattr(idle_in_transaction, "WARNING_S", 0.0)
        (finding,) = findings(faulty, "idle_in_transaction")
        assert finding.evidence["pid"] == other.info.backend_pid
        assert "somebody" in finding.detail
        other.rollback()
        assert findings(faulty, "idle_in_transaction") == []
