"""A plan as people read it: a tree, the costly node marked, what is odd about it said."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from dbperf.units import share

DETAILS: Final = (
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Filter",
    "One-Time Filter",
    "Sort Key",
    "Presorted Key",
    "Group Key",
    "Cache Key",
)
LARGE_ROWS: Final = 10_000
WRONG_TIMES: Final = 10


@dataclass(slots=True)
class Node:
    """A step of a plan. `own_cost` is what it adds to that of the steps below it; `own_ms` likewise, of an ANALYZE."""

    depth: int
    kind: str
    subject: str
    rows: int
    width: int
    own_cost: float
    share_pct: float = 0.0
    actual_rows: float | None = None
    loops: int | None = None
    own_ms: float | None = None
    blocks: int | None = None
    details: list[str] = field(default_factory=list)
    costliest: bool = False


def nodes(plan: dict[str, Any]) -> list[Node]:
    """The steps in order, outermost first, each with its share of the whole."""
    found = list(_steps(plan["Plan"], 0, 1.0))
    timed = found[0].own_ms is not None
    weights = [(node.own_ms or 0.0) if timed else node.own_cost for node in found]
    whole = sum(weights)
    for node, weight in zip(found, weights, strict=True):
        node.share_pct = share(weight, whole)
    found[weights.index(max(weights))].costliest = True
    return found


def warnings(found: list[Node]) -> list[str]:
    """What is worth a look."""
    return [line for node in found for line in _odd(node)]


def lines(found: list[Node]) -> Iterator[str]:
    """For a terminal."""
    for node in found:
        mark = "> " if node.costliest else "  "
        place = "   " * node.depth
        yield f"{mark}{node.share_pct:5.1f} %  {place}{titled(node)}{counted(node)}"
        yield from (f"{'':11}{place}   {detail}" for detail in node.details)


def titled(node: Node) -> str:
    """What it does, and to what."""
    return f"{node.kind} {node.subject}".rstrip()


def counted(node: Node) -> str:
    """How many rows were expected, and how many came."""
    if node.actual_rows is None:
        return f"  (cost {node.own_cost:,.0f}, {node.rows:,} rows)"
    times = f" in each of {node.loops:,} loops" if node.loops and node.loops > 1 else ""
    return (
        f"  ({node.own_ms or 0:,.1f} ms, {node.actual_rows:,.0f} rows{times}, {node.rows:,} expected,"
        f" {node.blocks or 0:,} blocks)"
    )


def _steps(step: dict[str, Any], depth: int, times: float) -> Iterator[Node]:
    """`times`: how often the plan expects the step to be run."""
    below = [(each, _repeats(step, each)) for each in step.get("Plans", [])]
    yield Node(
        depth=depth,
        kind=" ".join(filter(None, (_way(step), step["Node Type"]))),
        subject=_subject(step),
        rows=step["Plan Rows"],
        width=step["Plan Width"],
        own_cost=_own(step["Total Cost"], [each["Total Cost"] * often for each, often in below], times),
        actual_rows=step.get("Actual Rows"),
        loops=step.get("Actual Loops"),
        own_ms=_own(_ms(step), [_ms(each) for each, _ in below]) if "Actual Total Time" in step else None,
        blocks=_blocks(step),
        details=list(_details(step)),
    )
    for each, often in below:
        yield from _steps(each, depth + 1, times * often)


def _repeats(above: dict[str, Any], step: dict[str, Any]) -> float:
    """The inner side of a nested loop is run for each row of the outer one, unless it is remembered."""
    looped = above["Node Type"] == "Nested Loop" and step.get("Parent Relationship") == "Inner"
    if not looped or step["Node Type"] in {"Materialize", "Memoize"}:
        return 1.0
    return max(1.0, float(above["Plans"][0]["Plan Rows"]))


def _own(whole: float, below: list[float], times: float = 1.0) -> float:
    """A LIMIT can make a step cheaper than what stands below it."""
    return round(times * max(0.0, whole - sum(below)), 3)


def _blocks(step: dict[str, Any]) -> int | None:
    return step["Shared Hit Blocks"] + step["Shared Read Blocks"] if "Shared Hit Blocks" in step else None


def _ms(step: dict[str, Any]) -> float:
    return float(step.get("Actual Total Time", 0.0)) * float(step.get("Actual Loops", 1))


def _way(step: dict[str, Any]) -> str:
    """`Left` of a Left Join; `Subplan` of what stands beside the plan."""
    join = step.get("Join Type", "Inner")
    return " ".join(filter(None, (step.get("Subplan Name", ""), "" if join == "Inner" else join)))


def _subject(step: dict[str, Any]) -> str:
    index, table = step.get("Index Name"), step.get("Relation Name")
    other = step.get("CTE Name") or step.get("Function Name")
    if index and table:
        return f"{index} on {table}"
    return str(index or table or other or "")


def _details(step: dict[str, Any]) -> Iterator[str]:
    for name in DETAILS:
        if name in step:
            value = step[name]
            yield f"{name}: {', '.join(value) if isinstance(value, list) else value}"
    if gone := step.get("Rows Removed by Filter"):
        yield f"Rows removed by the filter: {gone:,}"
    if step.get("Sort Space Type") == "Disk":
        yield f"Sorted on disk: {step['Sort Space Used']:,} kB"


def _odd(node: Node) -> Iterator[str]:
    seen = node.rows if node.actual_rows is None else node.actual_rows
    filtered = any(detail.startswith("Filter:") for detail in node.details)
    if node.kind.endswith("Seq Scan") and (node.rows >= LARGE_ROWS or seen >= LARGE_ROWS or _removed(node)):
        how = "and throws most of it away" if filtered else "whole"
        yield f"{titled(node)} reads a large table {how}."
    if node.actual_rows is not None and _wrong(node.rows, node.actual_rows):
        yield f"{titled(node)}: {node.rows:,} rows expected, {node.actual_rows:,.0f} came."
    if any(detail.startswith("Sorted on disk") for detail in node.details):
        yield f"{titled(node)} did not fit into memory."


def _removed(node: Node) -> bool:
    marks = (detail.partition("filter: ")[2] for detail in node.details if detail.startswith("Rows removed"))
    return any(int(mark.replace(",", "")) >= LARGE_ROWS for mark in marks)


def _wrong(expected: int, came: float) -> bool:
    less, more = sorted((max(expected, 1), max(came, 1.0)))
    return more / less >= WRONG_TIMES and more >= LARGE_ROWS / 10
