"""What a run over the queries came to, as JSON and as tables."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from chatbackend import console
from chatbackend.benchmark.report import machine, percentile, versions

Key = tuple[str, str]
WAYS = ("before", "after", "limit")


def figures(
    *,
    messages: int,
    times: Mapping[Key, Sequence[float]],
    buffers: Mapping[Key, int | None],
    indexes: Sequence[Mapping[str, Any]],
    index_use_pct: float,
) -> dict[str, Any]:
    """`{machine, versions, messages, queries, growth, indexes, index_use_pct}`; times in ms by (query, way), where the
    ways are those of WAYS on the large data and `small`: after, on the small."""
    names = list(dict.fromkeys(name for name, _ in times))
    return {
        "machine": machine(),
        "versions": versions(),
        "messages": messages,
        "queries": {name: _query(name, times, buffers) for name in names},
        "growth": {name: _growth(name, times, buffers) for name in names},
        "indexes": list(indexes),
        "index_use_pct": index_use_pct,
    }


def _query(
    name: str, times: Mapping[Key, Sequence[float]], buffers: Mapping[Key, int | None]
) -> dict[str, Any]:
    ways = {way: {**_times(times[name, way]), "buffers": buffers[name, way]} for way in WAYS}
    return {
        **ways,
        "speedup_p95": _ratio(ways["before"]["p95_ms"], ways["after"]["p95_ms"]),
        "over_limit_p50": _ratio(ways["after"]["p50_ms"], ways["limit"]["p50_ms"]),
    }


def _times(taken: Sequence[float]) -> dict[str, Any]:
    return {
        **{f"p{rank}_ms": round(percentile(taken, rank), 3) for rank in (50, 95, 99)},
        "per_s": round(1000 / statistics.fmean(taken), 1),
    }


def _growth(
    name: str, times: Mapping[Key, Sequence[float]], buffers: Mapping[Key, int | None]
) -> dict[str, Any]:
    small, large = (round(percentile(times[name, way], 95), 3) for way in ("small", "after"))
    return {
        "small_p95_ms": small,
        "large_p95_ms": large,
        "ratio": _ratio(large, small),
        "small_buffers": buffers[name, "small"],
        "large_buffers": buffers[name, "after"],
    }


def _ratio(one: float, other: float) -> float:
    return round(one / other, 2) if other else 0.0


def regressions(result: Mapping[str, Any], earlier: Mapping[str, Any], *, allowed: float) -> list[str]:
    """Ratios that got worse than in an earlier run by more than `allowed` (0.25: a quarter)."""
    found = []
    for name, query in result["queries"].items():
        if (old := earlier["queries"].get(name)) is None:
            continue
        if query["speedup_p95"] < old["speedup_p95"] * (1 - allowed):
            found.append(f"{name}: {query['speedup_p95']} times before, it was {old['speedup_p95']}")
        if query["over_limit_p50"] > old["over_limit_p50"] * (1 + allowed):
            found.append(f"{name}: {query['over_limit_p50']} times the limit, it was {old['over_limit_p50']}")
    return found


def show(output: Any, result: Mapping[str, Any]) -> None:
    """The report as tables."""
    machine = result["machine"]
    console.say(
        output,
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB;"
        f" {result['messages']:,} messages",
    )
    columns = ("p95 ms, buffers", "before", "after", "limit", "faster", "of limit", "growth")
    console.table(output, "", columns, [_row(name, result) for name in result["queries"]])
    rows = [
        (each["name"], f"{each['bytes'] / 2**20:,.1f}", f"{each['insert_cost_us']:.1f}")
        for each in result["indexes"]
    ]
    console.table(output, "", ("index of messages", "MiB", "µs an insert"), rows)
    console.say(output, f"By an index: {result['index_use_pct']}% of the looks at a table")


def _row(name: str, result: Mapping[str, Any]) -> list[object]:
    query = result["queries"][name]
    cells = [f"{query[way]['p95_ms']:,.2f} {_pages(query[way]['buffers'])}" for way in WAYS]
    growth = result["growth"][name]["ratio"]
    return [name, *cells, f"{query['speedup_p95']:,.0f}x", f"{query['over_limit_p50']:.2f}", f"{growth:.2f}"]


def _pages(buffers: int | None) -> str:
    return "" if buffers is None else f"({buffers:,})"
