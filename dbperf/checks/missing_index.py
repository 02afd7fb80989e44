"""A missing index: a costly statement reads a table whole, and one index would halve its cost.

Out of the plans of the costliest statements; nothing is run. Where hypopg is installed the planner is shown the index
before it is proposed; `db_suggest --prove` builds it on small tables, measures, and takes it back. Statements inside of
functions are not seen: pg_stat_statements counts the call.
"""

import re
from collections.abc import Iterator
from typing import Any

from dbperf import proving
from dbperf.catalog import statements, tables
from dbperf.checks import Context
from dbperf.connections import Row, Unavailable
from dbperf.declaring import declared
from dbperf.findings import Finding, Level, Remedy
from dbperf.history.statements import updates_of
from dbperf.proposing import Proposal
from dbperf.proving import Proof
from dbperf.units import duration, share, size

MEAN_MS = 20.0
MIN_SHARE_PCT = 1.0
MIN_CALLS = 50
MOST = 20
MIN_BYTES = 256 * 1024


def run(context: Context) -> Iterator[Finding]:
    if not context.capabilities.statements:
        return
    there = {(row["schema"], row["name"]): row for row in tables.tables(context.database)}
    told: set[Proposal] = set()
    for statement in _costly(context):
        for proposal, proof in _proposed(context, statement, there):
            if proposal not in told:
                told.add(proposal)
                yield _finding(context, statement, proposal, proof, there[proposal.schema, proposal.table])


def _costly(context: Context) -> list[Row]:
    """Slow each time, or a share of all time; with their texts."""
    rows = statements.counters(context.database, context.capabilities)
    whole = sum(row["total_ms"] for row in rows)
    often = [row for row in rows if row["calls"] >= MIN_CALLS]
    worth = [
        row
        for row in often
        if row["total_ms"] / row["calls"] >= MEAN_MS or share(row["total_ms"], whole) >= MIN_SHARE_PCT
    ]
    costly = sorted(worth, key=lambda row: -row["total_ms"])[:MOST]
    texts = statements.texts(context.database, context.capabilities, [row["queryid"] for row in costly])
    named = [row | {"text": texts.get(row["queryid"], "")} for row in costly]
    return [row for row in named if row["text"] and not statements.is_own(row["text"])]


def _proposed(
    context: Context, statement: Row, there: dict[tuple[str, str], Row]
) -> Iterator[tuple[Proposal, Proof]]:
    try:
        found = proving.explained(context.database, statement["text"])
    except Unavailable:
        return  # another search path, a table that is gone, a privilege: no plan, no advice
    for proposal, cost in found:
        table = there.get((proposal.schema, proposal.table))
        if table and table["size_bytes"] >= MIN_BYTES:
            proof = proving.prove(
                context.build_on or context.database,
                statement["text"],
                proposal,
                cost=cost,
                build=context.build_on is not None,
                imagine="hypopg" in context.capabilities.extensions,
            )
            if proof.holds:
                yield proposal, proof


def _finding(context: Context, statement: Row, proposal: Proposal, proof: Proof, table: Row) -> Finding:
    mean = statement["total_ms"] / statement["calls"]
    model, line = declared(proposal)
    return Finding(
        check="missing_index",
        level=Level.INFO if proof.how == "unproven" else Level.WARNING,
        subject=f"{proposal.schema}.{proposal.table} ({proposal.columns})"[:250],
        detail=f"{proposal.schema}.{proposal.table}, {size(table['size_bytes'])}, is read whole by a statement that"
        f" took {duration(mean / 1000)} on average over {statement['calls']:,} calls. {_said(proof)}",
        remedy=Remedy(
            f"Add the line to {model}, and build it in a migration of its own, with atomic = False:"
            f' BuildIndexConcurrently("{model}", {line}) of dbperf.operations.',
            f"{proposal.sql()};",
            line,
        ),
        evidence={
            "queryid": str(statement["queryid"]),
            "text": statement["text"],
            "calls": statement["calls"],
            "mean_ms": round(mean, 2),
            "blocks_a_call": round(
                (statement["blocks_hit"] + statement["blocks_read"]) / statement["calls"], 1
            ),
            "index": proposal.name,
            "schema": proposal.schema,
            "table": proposal.table,
            "keys": list(proposal.keys),
            "proof": proof.how,
            "cost_before": proof.cost_before,
            "cost_after": proof.cost_after,
            "buffers_before": proof.buffers_before,
            "buffers_after": proof.buffers_after,
            "buffers_sampled": {name: list(pair) for name, pair in proof.samples.items()},
            **_price(context, proposal, proof, table),
        },
    )


def _said(proof: Proof) -> str:
    if proof.how == "built":
        return f"With an index on trial it touched {proof.buffers_after:,} pages instead of {proof.buffers_before:,}."
    if proof.how == "imagined":
        return f"The planner, shown an index, expects {proof.cost_after:,.0f} instead of {proof.cost_before:,.0f}."
    return "Unproven: that takes hypopg, or `db_suggest --prove`."


def _price(context: Context, proposal: Proposal, proof: Proof, table: Row) -> dict[str, Any]:
    """What the index costs those who write: entries so far, bytes for each, updates that would no longer be HOT."""
    columns = {key.lstrip("-") for key in proposal.keys}
    changed = any(
        re.search(rf'"?\b{re.escape(column)}\b"?\s*=', part)
        for part in updates_of(proposal.table, store=context.store)
        for column in columns
    )
    rows = max(table["rows"], 1)
    return {
        "size_bytes": proof.size_bytes,
        "bytes_a_write": round(proof.size_bytes / rows, 1) if proof.size_bytes else None,
        "writes": table["inserts"] + table["updates"] - table["hot_updates"],
        "hot_updates_lost": table["hot_updates"] if changed else 0,
    }
