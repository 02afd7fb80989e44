"""A key whose deletions read the whole table."""

import pytest

from dbperf.connections import Database
from tests.dbperf.faults import findings, run


@pytest.fixture
def keyed(faulty: Database) -> Database:
    run(
        faulty,
        "CREATE TABLE parent (id int PRIMARY KEY, x int, UNIQUE (id, x))",
        "INSERT INTO parent VALUES (1, 1)",
        "CREATE TABLE child (a int, b int, pad text, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent (id, x))",
        "INSERT INTO child SELECT 1, 1, repeat('x', 500) FROM generate_series(1, 3000)",
        "ANALYZE child",
    )
    return faulty


def test_it(keyed: Database) -> None:
    (finding,) = findings(keyed, "unindexed_foreign_key")
    assert (finding.subject, finding.remedy.model) == ("fault.child.fk", 'models.Index(fields=["a", "b"])')
    run(keyed, finding.remedy.sql)
    assert findings(keyed, "unindexed_foreign_key") == []


@pytest.mark.parametrize(
    ("index", "covers"), [("(b, a)", True), ("(b, a, pad)", True), ("(a)", False), ("(a, pad, b)", False)]
)
def test_what_covers(keyed: Database, index: str, covers: bool) -> None:
    run(keyed, f"CREATE INDEX ON child {index}")
    assert (findings(keyed, "unindexed_foreign_key") == []) is covers


def test_part_of_a_table_does_not_cover(keyed: Database) -> None:
    run(keyed, "CREATE INDEX ON child (a, b) WHERE a > 1")
    assert len(findings(keyed, "unindexed_foreign_key")) == 1


def test_a_small_table_is_let_be(keyed: Database) -> None:
    run(keyed, "DELETE FROM child WHERE ctid > '(10,0)'", "VACUUM child")
    assert findings(keyed, "unindexed_foreign_key") == []
