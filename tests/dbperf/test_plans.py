"""A plan as people read it, and what is taken out of it."""

import json
from typing import Any

import pytest

from dbperf.explain import plan, scrubbing


def step(kind: str, cost: float, *below: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = {"Node Type": kind, "Total Cost": cost, "Plan Rows": more.pop("rows", 10), "Plan Width": 8}
    return {**first, "Plans": list(below), **more}


def read(outermost: dict[str, Any]) -> list[plan.Node]:
    return plan.nodes({"Plan": outermost})


def test_each_step_has_its_own_share() -> None:
    found = read(step("Sort", 110, step("Hash Join", 100, step("Seq Scan", 70), step("Hash", 20))))
    assert [(node.depth, node.own_cost, node.share_pct) for node in found] == [
        (0, 10, 9.1),
        (1, 10, 9.1),
        (2, 70, 63.6),
        (2, 20, 18.2),
    ]
    assert [node.kind for node in found if node.costliest] == ["Seq Scan"]


def test_the_inner_side_of_a_loop_counts_each_time() -> None:
    inner = {"Parent Relationship": "Inner"}
    found = read(step("Nested Loop", 250, step("Seq Scan", 40, rows=100), step("Index Scan", 2, **inner)))
    assert [node.own_cost for node in found] == [10, 40, 200]
    kept = read(step("Nested Loop", 250, step("Seq Scan", 40, rows=100), step("Materialize", 2, **inner)))
    assert [node.own_cost for node in kept] == [208, 40, 2]


def test_what_was_measured_decides_where_there_is_any() -> None:
    slow = {
        "Actual Total Time": 9.0,
        "Actual Loops": 2,
        "Actual Rows": 3.0,
        "Shared Hit Blocks": 4,
        "Shared Read Blocks": 1,
    }
    fast = {**slow, "Actual Total Time": 20.0, "Actual Loops": 1}
    found = read(step("Sort", 1000, step("Seq Scan", 1, **slow), **fast))
    assert [(node.own_ms, node.share_pct, node.blocks) for node in found] == [(2.0, 10.0, 5), (18.0, 90.0, 5)]
    assert [line[:2] for line in plan.lines(found)] == ["  ", "> "]


@pytest.mark.parametrize(
    ("made", "odd"),
    [
        (step("Seq Scan", 9, rows=10_000, **{"Relation Name": "t"}), "reads a large table"),
        (step("Seq Scan", 9, rows=9_999, **{"Relation Name": "t"}), ""),
        (
            step("Seq Scan", 9, **{"Rows Removed by Filter": 10_000, "Filter": "(a = 1)"}),
            "throws most of it away",
        ),
        (step("Index Scan", 9, rows=100_000), ""),
        (step("Hash", 9, rows=10, **{"Actual Rows": 5_000.0}), "10 rows expected, 5,000 came"),
        (step("Hash", 9, rows=600, **{"Actual Rows": 5_000.0}), ""),
        (step("Sort", 9, **{"Sort Space Type": "Disk", "Sort Space Used": 5_000}), "did not fit into memory"),
        (step("Sort", 9, **{"Sort Space Type": "Memory", "Sort Space Used": 5_000}), ""),
    ],
)
def test_what_is_odd(made: dict[str, Any], odd: str) -> None:
    said = plan.warnings(read(made))
    assert len(said) == bool(odd)
    assert odd in "".join(said)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("(a = 'it''s'::text)", "(a = ?::text)"),
        (r"(a = E'\\x\'y')", "(a = ?)"),
        ("(ü > 5.5 AND b = -1 AND c = B'101')", "(ü > ? AND b = -? AND c = ?)"),
        ("(a = $1)", "(a = $1)"),
        ("(a = ANY ('{secret,words}'::text[]))", "(a = ANY (?::text[]))"),
        ("(a = 'never ended", "?"),
    ],
)
def test_constants_are_taken_out(text: str, left: str) -> None:
    assert scrubbing.without_constants(text) == left


def test_nothing_that_holds_an_expression_is_missed() -> None:
    """Also under names that are not known yet."""
    given = {
        "Query Text": "SELECT 'x'",
        "Plan": step("Scan", 1, **{"New Cond": "(a = 'x')", "Sort Key": ["f('x')"]}),
    }
    kept = scrubbing.scrubbed(given)
    assert "'x'" not in json.dumps(kept)
    assert (kept["Plan"]["New Cond"], kept["Plan"]["Total Cost"]) == ("(a = ?)", 1)
    assert "Query Text" not in kept
