"""What a mixed load came to: figures, a table, and whether they are good enough."""

from collections.abc import Mapping, Sequence
from typing import Any

from chatbackend import console
from chatbackend.benchmark.report import BUSY_CLIENT
from chatbackend.loadtest.gauge import Reading
from chatbackend.loadtest.mixed.load import SHARES, MixedLoad
from chatbackend.loadtest.report import RANKS, percentiles

Readings = Mapping[str, Reading | None]  # by which server
TITLES = {
    "read": "read a page of history",
    "list": "list one's conversations",
    "search": "search",
    "send": "send over the socket",
    "send_rest": "send over REST",
}
FAULTS = ("lost", "doubled", "reordered")
TROUBLES = {
    "refused": "sends were refused",
    "unanswered": "actions were not answered",
    "closed": "sockets were closed by the server",
}


def figures(load: MixedLoad, result: Mapping[str, Any], readings: Mapping[str, Readings]) -> dict[str, Any]:
    """`{profile, users, rooms, actions_per_s, actions: {kind: {count, errors, p50, …}}, delivery_ms: {…}, lost, …}`."""
    actions = {
        kind: {
            "count": len(result["ms"][kind]),
            "errors": result["errors"][kind],
            **percentiles(result["ms"][kind]),
        }
        for kind in SHARES
    }
    return {
        "profile": "mixed",
        "users": sum(len(room.tokens) for room in load.rooms),
        "rooms": len(load.rooms),
        "seconds": round(result["seconds"], 2),
        "begun": result["count"],
        "actions_per_s": round(result["count"] / result["seconds"], 1),
        "actions": actions,
        "errors": sum(result["errors"].values()),
        "what": result["what"],
        "deliveries": result["delivered"],
        "deliveries_per_s": round(result["delivered"] / result["seconds"], 1),
        "delivery_ms": percentiles(result["delivery_ms"]),
        **{name: result[name] for name in (*FAULTS, *TROUBLES, "resets")},
        "servers": _servers(readings, result["seconds"]),
        "client_cpu_pct": round(result["cpu"] * 100, 1),
    }


def _servers(readings: Mapping[str, Readings], seconds: float) -> dict[str, dict[str, float | None]]:
    before, after = readings.get("ready", {}), readings.get("sent", {})
    return {part: _server(before.get(part), after[part], seconds) for part in after}


def _server(before: Reading | None, after: Reading | None, seconds: float) -> dict[str, float | None]:
    if before is None or after is None:
        return {"cpu_pct": None, "rss_mb": None}
    return {
        "cpu_pct": round((after.cpu_s - before.cpu_s) / seconds * 100, 1),
        "rss_mb": round(after.rss_kb / 1024, 1),
    }


def show(output: Any, result: Mapping[str, Any]) -> None:
    """Tables: what people did, and the rest."""
    rows = [
        (TITLES[kind], *(_number(told[name]) for name in ("count", "errors", "p50", "p95", "p99")))
        for kind, told in result["actions"].items()
    ]
    delivery = result["delivery_ms"]
    rows.append(
        ("delivery", _number(result["deliveries"]), "", *(_number(delivery[f"p{rank}"]) for rank in RANKS))
    )
    title = f"{result['users']:,} people in {result['rooms']:,} rooms, {result['actions_per_s']:,} actions a second"
    console.table(output, title, ("", "count", "errors", "p50 ms", "p95", "p99"), rows)
    console.table(output, "", ("", ""), _rest(result))
    for name, count in result["what"].items():
        console.say(output, f"! {name} ({count:,} times)")
    if result["client_cpu_pct"] > BUSY_CLIENT * 100:
        console.say(output, f"! the client was busy ({result['client_cpu_pct']:.0f}%): lower bounds")


def _rest(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(f"deliveries {name}", _number(result[name])) for name in FAULTS]
    for part, told in result["servers"].items():
        rows += [
            (f"{part}: CPU, %", _number(told["cpu_pct"])),
            (f"{part}: memory, MB", _number(told["rss_mb"])),
        ]
    return [*rows, ("client: CPU, %", _number(result["client_cpu_pct"]))]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def misses(
    result: Mapping[str, Any], *, max_p99_ms: float | None, max_lost: int, max_errors: int
) -> list[str]:
    """Why the run is not good enough; empty where it is."""
    found = []
    if result["errors"] > max_errors:
        found.append(f"{result['errors']:,} requests failed, {max_errors:,} may")
    for name in FAULTS:
        allowed = max_lost if name == "lost" else 0
        if result[name] > allowed:
            found.append(f"{result[name]:,} deliveries were {name}, {allowed:,} may be")
    found += [f"{result[name]:,} {words}" for name, words in TROUBLES.items() if result[name]]
    if max_p99_ms is not None:
        found += _too_slow(result, max_p99_ms)
    return found


def _too_slow(result: Mapping[str, Any], allowed: float) -> Sequence[str]:
    taken = {"delivery": result["delivery_ms"]["p99"]}
    taken |= {TITLES[kind]: told["p99"] for kind, told in result["actions"].items()}
    return [
        f"{name}: p99 is {f'{p99} ms' if p99 is not None else 'that of nothing'}, {allowed:g} ms are allowed"
        for name, p99 in taken.items()
        if p99 is None or p99 > allowed
    ]
