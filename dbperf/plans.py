"""Plans as contracts: what the plan of a hot query must lean on, and what it must not do.

A project registers its hot queries by name. Tests hold them against a data set large enough for the planner to care,
`manage.py check_plans` against a live database.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final

from dbperf.catalog import plans as catalog
from dbperf.catalog.plans import Plan, Sizes
from dbperf.connections import Database, Unavailable

MODES: Final = ("custom", "generic")
LARGE_PAGES = 250  # 2 MB: what is smaller may be read whole
TIMEOUT_S = 10.0
_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A query by name. `statement` binds `%(name)s`; `parameters` gives each its PostgreSQL type, `values` finds a
    value for each in the database at hand.

    `uses`: indexes the plan must lean on, with `*` for names that change, and `|` where either will do.
    `most_buffers`: pages of 8 kB that it may touch. No table of more than `LARGE_PAGES` may be read whole. One that
    `writes` is planned only, never carried out.
    """

    name: str
    statement: str
    parameters: Mapping[str, str]
    values: Callable[[Database], Mapping[str, Any]]
    uses: Sequence[str]
    most_buffers: int
    writes: bool = False
    modes: Sequence[str] = MODES


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one contract stood, planned one way. `judged` False: its tables are too small for the planner to care."""

    contract: str
    mode: str
    broken: Sequence[str]
    judged: bool
    buffers: int | None
    lines: Sequence[str]


CONTRACTS: Final[dict[str, Contract]] = {}


def register(contract: Contract) -> None:
    """Projects do this when their apps are loaded."""
    CONTRACTS[contract.name] = contract


def check(contract: Contract, database: Database) -> Iterator[Verdict]:
    """A verdict for each mode. Nothing stays in the database. Raises `Unavailable` where it may not be asked."""
    values = contract.values(database)
    sizes = catalog.sizes(database)
    for mode in contract.modes:
        yield _check(contract, database, mode, values, sizes)


def assert_plan(contract: Contract, database: Database) -> None:
    """For tests: raises AssertionError with what is broken and the plan. Tables too small to be judged fail, too."""
    for verdict in check(contract, database):
        if verdict.broken or not verdict.judged:
            why = "; ".join(verdict.broken) or "its tables are too small for the planner to care"
            raise AssertionError("\n".join([f"{contract.name} ({verdict.mode}): {why}", *verdict.lines]))


def _check(
    contract: Contract, database: Database, mode: str, values: Mapping[str, Any], sizes: Sizes
) -> Verdict:
    given = [values[name] for name in contract.parameters]
    types = list(contract.parameters.values())
    with catalog.prepared(database, _numbered(contract), types, mode=mode, timeout_s=TIMEOUT_S):
        plan = catalog.explained(database, given, carried_out=False)
        broken = list(_broken(contract, plan, sizes))
        buffers = None
        if not broken and not contract.writes:
            plan, buffers, broken = _carried_out(contract, database, given, plan)
    judged = bool(broken) or any(_due(index, sizes) for index in contract.uses)
    return Verdict(contract.name, mode, broken, judged, buffers, list(lines(plan)))


def _carried_out(
    contract: Contract, database: Database, given: Sequence[Any], plan: Plan
) -> tuple[Plan, int | None, list[str]]:
    try:
        plan = catalog.explained(database, given, carried_out=True)
    except Unavailable as error:
        return plan, None, [f"it could not be carried out: {error}"]
    buffers = int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    over = f"{buffers:,} buffers, at most {contract.most_buffers:,}"
    return plan, buffers, [over] if buffers > contract.most_buffers else []


def _numbered(contract: Contract) -> str:
    """The statement with `$1`, `$2` … in the order of its parameters."""
    places = {name: f"${place}" for place, name in enumerate(contract.parameters, start=1)}
    return _PARAMETER.sub(lambda found: places[found[1]], contract.statement).replace("%%", "%")


def _broken(contract: Contract, plan: Plan, sizes: Sizes) -> Iterator[str]:
    parts = list(nodes(plan))
    for node in parts:
        if node["Node Type"] == "Seq Scan" and sizes.tables.get(node["Relation Name"], 0) >= LARGE_PAGES:
            yield f"{node['Relation Name']} is read whole"
    used = [node["Index Name"] for node in parts if "Index Name" in node]
    for index in contract.uses:
        if not _any(sizes.indexed, index):
            yield f"{index} is not there"
        elif _due(index, sizes) and not _any(used, index):
            yield f"{index} is not used"


def _due(index: str, sizes: Sizes) -> bool:
    """Whether its table is so large that the planner must care for it."""
    return _any((name for name, pages in sizes.indexed.items() if pages >= LARGE_PAGES), index)


def _any(names: Iterable[str], index: str) -> bool:
    """Whether one of the names is meant."""
    patterns = index.split("|")
    return any(fnmatch(name, pattern) for name in names for pattern in patterns)


def nodes(plan: Plan) -> Iterator[Plan]:
    """The plan's nodes, from the top."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def lines(plan: Plan, depth: int = 0) -> Iterator[str]:
    """The plan to read, a line for each node, without figures: the same for as long as the way is the same."""
    index = f" using {plan['Index Name']}" if "Index Name" in plan else ""
    table = f" on {plan['Relation Name']}" if "Relation Name" in plan else ""
    yield f"{'  ' * depth}{plan['Node Type']}{index}{table}"
    for part in plan.get("Plans", ()):
        yield from lines(part, depth + 1)
