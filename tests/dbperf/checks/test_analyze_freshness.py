"""Statistics that were never made, or are out of date."""

from dbperf.connections import Database
from tests.dbperf.faults import findings, run

TABLE = "CREATE TABLE t (a int) WITH (autovacuum_enabled = off)"


def test_never(faulty: Database) -> None:
    run(faulty, TABLE, "INSERT INTO t SELECT generate_series(1, 999)")
    assert findings(faulty, "analyze_freshness") == []
    run(faulty, "INSERT INTO t VALUES (1)")
    (finding,) = findings(faulty, "analyze_freshness")
    assert (finding.subject, finding.evidence["never"]) == ("fault.t", True)
    run(faulty, finding.remedy.sql)
    assert findings(faulty, "analyze_freshness") == []


def test_out_of_date(faulty: Database) -> None:
    run(
        faulty,
        TABLE,
        "INSERT INTO t SELECT generate_series(1, 8000)",
        "ANALYZE t",
        "UPDATE t SET a = 0 WHERE a <= 1900",
    )
    assert findings(faulty, "analyze_freshness") == []
    run(faulty, "UPDATE t SET a = 0 WHERE a BETWEEN 2000 AND 2200")
    (finding,) = findings(faulty, "analyze_freshness")
    assert finding.evidence["modified"] == 2_101
    run(faulty, "ANALYZE t")
    assert findings(faulty, "analyze_freshness") == []
