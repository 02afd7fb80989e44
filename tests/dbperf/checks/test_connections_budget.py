"""How many connections are left."""

import pytest

from dbperf.catalog import activity
from dbperf.checks import connections_budget
from dbperf.connections import Database
from tests.dbperf.faults import findings, session, until


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(faulty, "connections_budget") == []
    now = activity.pulse(faulty)
    used = 100 * now["connections"] / now["available"]
    monkeypatch.setattr(connections_budget, "WARNING_PCT", used + 0.5)
    assert findings(faulty, "connections_budget") == []
    with session(faulty):
        (finding,) = findings(faulty, "connections_budget")
        assert finding.evidence["connections"] > now["connections"]
    until(lambda: findings(faulty, "connections_budget") == [])
