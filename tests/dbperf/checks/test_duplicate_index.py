"""The same entries in the same order, whatever the spelling."""

import pytest

from dbperf.connections import Database
from tests.dbperf.faults import findings, run


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(a)", "(a)"),
        ("(a)", "(a DESC)"),
        ("(a, b DESC)", "(a DESC, b)"),
        ("(lower(c))", "( lower( c ) )"),
        ("(a) WHERE b > 1", "(a) WHERE (b > 1)"),
        ("(a) INCLUDE (b, c)", "(a) INCLUDE (c, b)"),
    ],
)
def test_duplicates(faulty: Database, one: str, other: str) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int, b int, c text)",
        f"CREATE INDEX one ON t {one}",
        f"CREATE INDEX other ON t {other}",
    )
    (finding,) = findings(faulty, "duplicate_index")
    assert (finding.subject, finding.evidence["same_as"]) == ("fault.other", "one")
    run(faulty, finding.remedy.sql)
    assert findings(faulty, "duplicate_index") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(a)", "(b)"),
        ("(a, b)", "(b, a)"),
        ("(a, b)", "(a, b DESC)"),
        ("(a)", "(a) WHERE b > 1"),
        ("(c)", "(c text_pattern_ops)"),
        ("(a)", "USING hash (a)"),
        ("(a)", "(a) INCLUDE (b)"),
    ],
)
def test_near_misses(faulty: Database, one: str, other: str) -> None:
    run(
        faulty,
        "CREATE TABLE t (a int, b int, c text)",
        f"CREATE INDEX one ON t {one}",
        f"CREATE INDEX other ON t {other}",
    )
    assert findings(faulty, "duplicate_index") == []


def test_what_a_constraint_needs_stays(faulty: Database) -> None:
    run(faulty, "CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE)", "CREATE INDEX spare ON t (a)")
    assert [found.subject for found in findings(faulty, "duplicate_index")] == ["fault.spare"]
    run(faulty, "DROP INDEX spare", "CREATE UNIQUE INDEX also ON t (b)")
    assert findings(faulty, "duplicate_index") == []
