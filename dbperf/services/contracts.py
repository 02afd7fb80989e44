"""All contracts about plans: looked at in one go, and every day."""

from collections.abc import Iterator, Sequence
from typing import Any

from dbperf.aliases import DEFAULT
from dbperf.connections import Database, monitor
from dbperf.history import snapshots
from dbperf.models import Snapshot
from dbperf.plans import CONTRACTS, Verdict, check


def check_all(database: Database, names: Sequence[str] = ()) -> list[Verdict]:
    """Of the named queries, or of all. Raises `Unavailable`."""
    wanted = [CONTRACTS[name] for name in names] if names else list(CONTRACTS.values())
    return [verdict for contract in wanted for verdict in check(contract, database)]


def watch(*, database: Database | None = None, store: str = DEFAULT) -> Snapshot:
    """Looks at all of them and keeps how each is carried out; `checks.plan_contract` compares."""
    found = check_all(database or monitor())
    figures = {
        f"{one.contract} ({one.mode})": {"broken": list(one.broken), "plan": list(one.lines)}
        for one in found
        if one.judged
    }
    return snapshots.keep("plans", figures, store=store)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """For programs."""
    return {
        "query": verdict.contract,
        "mode": verdict.mode,
        "judged": verdict.judged,
        "broken": list(verdict.broken),
        "buffers": verdict.buffers,
        "plan": list(verdict.lines),
    }


def told(verdict: Verdict, *, whole: bool) -> Iterator[str]:
    """For people: a line, and the plan where it is broken or asked for."""
    how = "; ".join(verdict.broken) or ("as promised" if verdict.judged else "too small to be judged")
    buffers = "" if verdict.buffers is None else f", {verdict.buffers:,} buffers"
    yield f"{verdict.contract} ({verdict.mode}): {how}{buffers}"
    if verdict.broken or whole:
        yield from (f"    {line}" for line in verdict.lines)
