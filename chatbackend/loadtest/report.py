"""What a load test came to: figures, a table, and whether they are good enough."""

from collections.abc import Mapping, Sequence
from typing import Any

from chatbackend import console
from chatbackend.benchmark.report import BUSY_CLIENT, percentile
from chatbackend.loadtest.gauge import Reading
from chatbackend.loadtest.load import Load

RANKS = (50, 95, 99)


def figures(load: Load, result: Mapping[str, Any], readings: Mapping[str, Reading | None]) -> dict[str, Any]:
    """`{sockets, sends_per_s, …, delivery_ms: {p50, …}, ack_ms: {…}, lost, …, server: {…}, client_cpu_pct, …}`.

    Rates are those reached, in the time of sending. `server` holds None where the process could not be looked at.
    """
    return {
        "sockets": result["sockets"],
        "sends_per_s": round(result["sent"] / result["seconds"], 1),
        "connect_per_s": round(result["connected"] / result["connecting_s"], 1)
        if result["connected"] > 0
        else None,
        "deliveries_per_s": round(result["delivered"] / result["seconds"], 1),
        "delivery_ms": percentiles(result["delivery_ms"]),
        "ack_ms": percentiles(result["ack_ms"]),
        "lost": result["lost"],
        "doubled": result["doubled"],
        "reordered": result["reordered"],
        "server": _server(result, readings),
        "client_cpu_pct": round(result["cpu"] * 100, 1),
        "sent": result["sent"],
        "acked": result["acked"],
        "refused": result["refused"],
        "unanswered": result["unanswered"],
        "closed": result["closed"],
        "seconds": round(result["seconds"], 2),
        "senders": load.senders,
        "in_flight": load.in_flight,
        "resets": result["resets"],
        "storm": _storm(result["storm"]),
    }


def _storm(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """`{sockets, back_s, retries, ack_ms: {…}}`: how long until all were back, and what acks took meanwhile."""
    if not told:
        return None
    return {**told, "back_s": round(told["back_s"], 2), "ack_ms": percentiles(told["ack_ms"])}


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """`{p50, p95, p99}` in ms, None of nothing."""
    return {f"p{rank}": round(percentile(values, rank), 2) if values else None for rank in RANKS}


def _server(result: Mapping[str, Any], readings: Mapping[str, Reading | None]) -> dict[str, float | None]:
    warm, ready, sent = (readings.get(phase) for phase in ("warm", "ready", "sent"))
    if warm is None or ready is None or sent is None:
        return {"cpu_pct": None, "rss_mb": None, "kb_per_socket": None}
    return {
        "cpu_pct": round((sent.cpu_s - ready.cpu_s) / result["seconds"] * 100, 1),
        "rss_mb": round(sent.rss_kb / 1024, 1),
        "kb_per_socket": round((ready.pss_kb - warm.pss_kb) / result["connected"], 1)
        if result["connected"] > 0
        else None,
    }


def show(output: Any, result: Mapping[str, Any]) -> None:
    """The report as a table, the stock pattern beside it where it ran."""
    runs = {"ours": result} | ({"stock": result["stock"]} if "stock" in result else {})
    console.table(output, "", ("", *runs), _rows(list(runs.values())))
    if tempest := result["storm"]:
        console.say(
            output,
            f"{tempest['sockets']:,} sockets gone at once were back after {tempest['back_s']} s;"
            f" acks meanwhile: p99 {tempest['ack_ms']['p99']} ms; {tempest['retries']:,} had to try again",
        )
    if result.get("ratio"):
        console.say(output, f"Deliveries a second, ours / stock: {result['ratio']}")
    for warning in warnings(result):
        console.say(output, f"! {warning}")


def _rows(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    plain = ("sockets", "connect_per_s", "sends_per_s", "deliveries_per_s", "lost", "doubled", "reordered")
    rows = [(name.replace("_per_s", " a second"), *(_number(each[name]) for each in runs)) for name in plain]
    for name, title in (("delivery_ms", "delivery"), ("ack_ms", "ack")):
        rows += [
            (f"{title} p{rank}, ms", *(_number(each[name][f"p{rank}"]) for each in runs)) for rank in RANKS
        ]
    server = {"cpu_pct": "server CPU, %", "rss_mb": "server memory, MB", "kb_per_socket": "KB a socket"}
    rows += [(title, *(_number(each["server"][name]) for each in runs)) for name, title in server.items()]
    return [*rows, ("client CPU, %", *(_number(each["client_cpu_pct"]) for each in runs))]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def warnings(result: Mapping[str, Any]) -> list[str]:
    """What makes figures less than they seem."""
    found = []
    if result["client_cpu_pct"] > BUSY_CLIENT * 100:
        found.append(f"the client was busy ({result['client_cpu_pct']:.0f}%): lower bounds")
    if result["refused"]:
        found.append(f"{result['refused']:,} sends were refused")
    if result["unanswered"]:
        found.append(f"{result['unanswered']:,} sends were not answered")
    if result["resets"]:
        found.append(
            f"{result['resets']:,} times a socket had missed too much and would have read it over REST"
        )
    if result["closed"]:
        found.append(f"{result['closed']:,} sockets were closed by the server")
    return found


def misses(result: Mapping[str, Any], *, max_p99_ms: float | None, max_lost: int) -> list[str]:
    """Why the run is not good enough; empty where it is."""
    found = []
    for name in ("lost", "doubled", "reordered"):
        allowed = max_lost if name == "lost" else 0
        if result[name] > allowed:
            found.append(f"{result[name]:,} deliveries were {name}, {allowed:,} may be")
    p99 = result["delivery_ms"]["p99"]
    if max_p99_ms is not None and (p99 is None or p99 > max_p99_ms):
        reached = "nothing was delivered" if p99 is None else f"the p99 of delivery is {p99} ms"
        found.append(f"{reached}, {max_p99_ms:g} ms are allowed")
    if result["refused"] or result["unanswered"] or result["closed"]:
        found += [text for text in warnings(result) if "client" not in text]
    return found
