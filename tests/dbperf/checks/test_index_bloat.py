"""A btree larger than freshly built, and its rebuild."""

import dataclasses

import pytest

from dbperf import checks
from dbperf.checks import index_bloat
from dbperf.connections import Database
from tests.dbperf.faults import findings, run


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_bloat, "MIN_BYTES", 200_000)
    run(
        faulty,
        "CREATE TABLE t (a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT generate_series(1, 50000)",
        "CREATE INDEX i ON t (a)",
        "VACUUM ANALYZE t",
    )
    assert findings(faulty, "index_bloat") == []
    run(faulty, "DELETE FROM t WHERE a % 4 > 0", "VACUUM ANALYZE t")
    (finding,) = findings(faulty, "index_bloat")
    assert (finding.subject, finding.evidence["confirmed"]) == ("fault.i", True)
    assert finding.evidence["wasted_pct"] > 50
    run(faulty, finding.remedy.sql)
    assert findings(faulty, "index_bloat") == []


def test_an_estimate_alone_offers_no_rebuild(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_bloat, "MIN_BYTES", 200_000)
    run(
        faulty,
        "CREATE TABLE t (a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT generate_series(1, 50000)",
        "CREATE INDEX i ON t (a)",
        "DELETE FROM t WHERE a % 4 > 0",
        "VACUUM ANALYZE t",
    )
    asked = checks.context(faulty)
    bare = dataclasses.replace(asked, capabilities=dataclasses.replace(asked.capabilities, extensions=[]))
    (finding,) = checks.run(bare, ["index_bloat"]).findings
    assert (finding.level, finding.remedy.sql) == ("info", "")
