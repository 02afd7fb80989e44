"""Keys that run out, by the type of their column."""

from dbperf.connections import Database
from tests.dbperf.faults import findings, run


def test_it(faulty: Database) -> None:
    run(faulty, "CREATE TABLE t (id serial PRIMARY KEY)", "SELECT setval('t_id_seq', 1070000000)")
    assert findings(faulty, "sequence_end") == []
    run(faulty, "SELECT setval('t_id_seq', 1080000000)")
    (finding,) = findings(faulty, "sequence_end")
    assert (finding.subject, finding.level) == ("fault.t_id_seq", "warning")
    run(faulty, "SELECT setval('t_id_seq', 2000000000)")
    (finding,) = findings(faulty, "sequence_end")
    assert finding.level == "critical"
    run(faulty, finding.remedy.sql, "ALTER SEQUENCE t_id_seq AS bigint")
    assert findings(faulty, "sequence_end") == []


def test_the_nearer_end_counts(faulty: Database) -> None:
    run(
        faulty,
        "CREATE SEQUENCE s MAXVALUE 100 CACHE 1",
        "SELECT setval('s', 95)",
        "CREATE TABLE t (a smallint)",
    )
    assert [found.subject for found in findings(faulty, "sequence_end")] == ["fault.s"]
    run(faulty, "ALTER SEQUENCE s CYCLE")
    assert findings(faulty, "sequence_end") == []
