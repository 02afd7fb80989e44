"""Dead rows, cleared away or not."""

from dbperf.connections import Database
from tests.dbperf.faults import findings, run


def test_it(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT generate_series(1, 5000)",
        "VACUUM ANALYZE t",
        "DELETE FROM t WHERE a <= 2000",
    )
    assert (
        findings(faulty, "vacuum_freshness") == []
    )  # autovacuum itself would wait till 1,050, and twice that is ours
    run(faulty, "DELETE FROM t WHERE a <= 2200")
    (finding,) = findings(faulty, "vacuum_freshness")
    assert (finding.subject, finding.evidence["dead"]) == ("fault.t", 2_200)
    assert "autovacuum is off" in finding.detail
    run(faulty, finding.remedy.sql)
    assert findings(faulty, "vacuum_freshness") == []


def test_the_tables_own_limits_count(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int) WITH (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.5)",
        "INSERT INTO t SELECT generate_series(1, 5000)",
        "VACUUM ANALYZE t",
        "DELETE FROM t WHERE a <= 2200",
    )
    assert findings(faulty, "vacuum_freshness") == []
