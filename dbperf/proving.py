"""Whether an index that is proposed would help: seen in a plan, or measured on one that is built and taken back.

`imagined`: hypopg lets the planner see an index that is not there; that costs nothing. `built`: a real one, in a
transaction that is rolled back. It keeps others from writing to the table while it is built, so it is done on request
only, on tables up to 64 MB, and gives up after half a second behind a lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

from django.db import transaction
from psycopg import sql

from dbperf.catalog import proposals as catalog
from dbperf.connections import Database, Unavailable
from dbperf.fingerprints import plain
from dbperf.proposing import Proposal, proposals

MOST_BYTES: Final = 64 * 1024 * 1024
MIN_SAVED: Final = 100.0  # cost units
SAMPLED: Final = ("hot", "median", "cold")
LIMITS: Final = {"lock_timeout": "500ms", "statement_timeout": "5s"}
LARGEST_SHARE: Final = 0.5  # of the cost before
ZEROES: Final = {"uuid": "00000000-0000-0000-0000-000000000000", "boolean": "true", "text": "", "jsonb": "{}"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a statement's plan. Costs are the planner's; buffers are pages of 8 kB that were touched."""

    how: str  # imagined, built, unproven
    cost_before: float
    cost_after: float | None = None
    buffers_before: int | None = None
    buffers_after: int | None = None
    size_bytes: int | None = None
    samples: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # buffers before and after

    @property
    def holds(self) -> bool:
        """Whether it is worth proposing: at least halved, and something saved. What is unproven is not refuted."""
        if self.cost_after is None:
            return True
        pairs = [(self.cost_before, self.cost_after)]
        if self.buffers_before is not None and self.buffers_after is not None:
            pairs.append((self.buffers_before, self.buffers_after))
        halved = all(after <= LARGEST_SHARE * before for before, after in pairs)
        return halved and self.cost_before - self.cost_after >= MIN_SAVED


def explained(on: Database, text: str) -> list[tuple[Proposal, float]]:
    """What the plan of a statement lacks, with the plan's cost. Nothing is run."""
    if not usable(text):
        return []
    try:
        values = _values(catalog.prepare(on, text), {})
        plan = catalog.plan(on, values)
    finally:
        catalog.forget(on)
    return [(each, plan["Total Cost"]) for each in proposals(plan)]


def usable(text: str) -> bool:
    """One statement that only reads, as pg_stat_statements has it, and whole."""
    bare = plain(text)
    return len(text) < 10_000 and ";" not in bare and bare[:6].upper() == "SELECT"


def imagined(on: Database, text: str, proposal: Proposal) -> Proof:
    """By hypopg, over any connection."""
    before = _cost(on, text)
    try:
        made = catalog.imagine(on, proposal.sql(concurrently=False))
        after, size_bytes = _cost(on, text), catalog.imagined_bytes(on, made["oid"])
    finally:
        catalog.stop_imagining(on)
    return Proof("imagined", before, after, size_bytes=size_bytes)


def built(on: Database, text: str, proposal: Proposal) -> Proof:
    """By building it, running the statement with values that stand in the table, often and seldom, and taking all of it
    back. The statement runs in a transaction that may only read. Raises `Unavailable`."""
    try:
        with transaction.atomic(using=on.alias):
            try:
                return _measured(on, text, proposal)
            finally:
                transaction.set_rollback(True, using=on.alias)
    finally:
        catalog.forget(on)


def _measured(on: Database, text: str, proposal: Proposal) -> Proof:
    for name, limit in LIMITS.items():
        on.run(f"SET LOCAL {name} = '{limit}'")
    table = sql.Identifier(proposal.schema, proposal.table)
    given = _given({name: catalog.samples(on, table, column) for name, column in proposal.parameters})
    on.run("SAVEPOINT dbperf_proof")
    before = [_run(on, text, each) for each in given]
    on.run("ROLLBACK TO SAVEPOINT dbperf_proof")
    on.run(proposal.sql(concurrently=False))
    size_bytes = catalog.built_bytes(on, f"{proposal.schema}.{proposal.name}")
    after = [_run(on, text, each) for each in given]
    pages = [(_buffers(sooner), _buffers(later)) for sooner, later in zip(before, after, strict=True)]
    return Proof(
        "built",
        fmean(plan["Total Cost"] for plan in before),
        fmean(plan["Total Cost"] for plan in after),
        round(fmean(sooner for sooner, _ in pages)),
        round(fmean(later for _, later in pages)),
        size_bytes,
        dict(zip(SAMPLED, pages, strict=True)),
    )


def _given(sampled: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Values for all parameters: the frequent ones together, those in the middle, the rare ones."""
    return [
        {name: values[place] for name, values in sampled.items() if values} for place in range(len(SAMPLED))
    ]


def _run(on: Database, text: str, given: dict[str, Any]) -> dict[str, Any]:
    on.run("SET LOCAL transaction_read_only = on")
    values = _values(catalog.prepare(on, text), given)
    try:
        return catalog.plan(on, values, run=True)
    finally:
        on.run("DEALLOCATE ALL")


def _cost(on: Database, text: str) -> float:
    try:
        plan = catalog.plan(on, _values(catalog.prepare(on, text), {}))
    finally:
        catalog.forget(on)
    return float(plan["Total Cost"])


def _buffers(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _values(types: Sequence[str], given: dict[str, Any]) -> list[sql.Composable]:
    """A value for each parameter, with its type: that of the table, or one that does no harm."""
    return [_value(kind, given.get(f"${place}")) for place, kind in enumerate(types, start=1)]


def _value(kind: str, value: Any) -> sql.Composable:
    if value is None:
        value = "{}" if kind.endswith("[]") else ZEROES.get(kind, "20" if kind in NUMBERS else None)
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(kind))


NUMBERS: Final = ("bigint", "integer", "smallint", "numeric", "double precision", "real")


def prove(on: Database, text: str, proposal: Proposal, *, cost: float, build: bool, imagine: bool) -> Proof:
    """The best proof to be had: built where that is asked for and the table is small, imagined, or none. What a range
    holds the planner guesses where it knows no value: that is no proof."""
    table = catalog.table(on, proposal.schema, proposal.table)
    small = table is not None and table["size_bytes"] <= MOST_BYTES
    for how, possible in ((built, build and small), (imagined, imagine and not proposal.guessed)):
        try:
            if possible:
                return how(on, text, proposal)
        except Unavailable:
            continue  # a lock, a privilege, a value that does not fit: nothing is proven, and nothing refuted
    return Proof("unproven", cost)
