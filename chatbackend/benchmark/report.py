"""What a run came to: medians of its rounds, the ratios that count, tables."""

import platform
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from django.core.cache import cache
from django.db import connection
from redis import RedisError

from chatbackend import __version__, console
from chatbackend.benchmark.data import Dataset
from chatbackend.benchmark.targets import Round

PACKAGES = ("Django", "djangorestframework", "granian", "daphne", "psycopg", "channels", "django-redis")
BUSY_CLIENT = 0.8  # past this share of a core the client may be what limits

# Of what, by what: the first should be as large a share of the second as possible.
RATIOS = {
    "wsgi_of_bare_view": ("wsgi", "bare_constant_wsgi"),
    "wsgi_of_bare_statement_view": ("wsgi", "bare_statement_wsgi"),
    "wsgi_of_statement": ("wsgi", "statement"),
    "daphne_of_bare_view": ("daphne", "bare_constant_daphne"),
    "daphne_of_bare_statement_view": ("daphne", "bare_statement_daphne"),
    "daphne_of_statement": ("daphne", "statement"),
}


def report(
    data: Dataset, rounds: Mapping[tuple[str, str], Sequence[Round]], *, load_before: float
) -> dict[str, Any]:
    """`{machine, versions, messages, …, results: {case: {target: {…}}}, ratios: {case: {…}}}`."""
    results: dict[str, dict[str, Any]] = defaultdict(dict)
    for (case, target), taken in rounds.items():
        results[case][target] = _summary(taken)
    return {
        "machine": {**machine(), "load_before": round(load_before, 2)},
        "versions": versions(),
        "messages": data.messages,
        "users": data.users,
        "conversations": data.conversations,
        "results": dict(results),
        "ratios": {case: _ratios(by_target) for case, by_target in results.items()},
    }


def _summary(rounds: Sequence[Round]) -> dict[str, Any]:
    """The median round for each figure."""
    rates = [each.measure.requests / each.measure.seconds for each in rounds]
    server = [each.server_cpu for each in rounds if each.server_cpu is not None]
    return {
        "per_second": round(statistics.median(rates), 1),
        "slowest_round": round(min(rates), 1),
        "fastest_round": round(max(rates), 1),
        **{f"p{rank}_ms": _middle(rounds, rank) for rank in (50, 95, 99)},
        "bytes": round(
            statistics.median(each.measure.bytes / max(1, each.measure.requests) for each in rounds)
        ),
        "errors": sum(each.measure.errors for each in rounds),
        "client_cpu": round(statistics.median(each.measure.cpu for each in rounds), 2),
        "server_cpu": round(statistics.median(server), 2) if server else None,
        "cpu_ms": _cpu_ms(rounds),
    }


def _cpu_ms(rounds: Sequence[Round]) -> float | None:
    """What a request costs the server's own process: hardly moved by what else the machine does."""
    costs = [
        each.server_cpu * each.measure.seconds / each.measure.requests * 1000
        for each in rounds
        if each.server_cpu is not None and each.measure.requests
    ]
    return round(statistics.median(costs), 3) if costs else None


def _middle(rounds: Sequence[Round], rank: int) -> float:
    return round(statistics.median(percentile(each.measure.latencies, rank) for each in rounds), 2)


def percentile(values: Sequence[float], rank: int) -> float:
    """The value that `rank` of a hundred do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * rank // 100)] if ordered else 0.0


def _ratios(results: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Shares of requests a second."""
    return {
        name: round(results[one]["per_second"] / results[other]["per_second"], 3)
        for name, (one, other) in RATIOS.items()
        if one in results and results.get(other, {}).get("per_second")
    }


def machine() -> dict[str, Any]:
    """`{system, processor, cores, memory_gib}`."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def versions() -> dict[str, str]:
    """Of what takes part."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgres,) = cursor.fetchone()
    return {
        "chatbackend": __version__,
        "python": platform.python_version(),
        "postgresql": postgres,
        "redis": _redis_version(),
        **{package: version(package) for package in PACKAGES},
    }


def _redis_version() -> str:
    """Of a server that may be away: the API works without it, only slower."""
    configured: Any = cache
    try:
        return str(configured.client.get_client().info("server")["redis_version"])
    except RedisError:
        return "away"


def show(output: Any, result: Mapping[str, Any]) -> None:
    """The report as tables."""
    machine = result["machine"]
    console.say(
        output,
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {result['messages']:,}"
        f" messages in {result['conversations']:,} conversations",
    )
    for case, by_target in result["results"].items():
        columns = (case, "req/s", "p50 ms", "p95", "p99", "CPU ms", "client")
        console.table(output, "", columns, [_row(name, each) for name, each in by_target.items()])
    columns = ("rate of … / …", *result["ratios"])
    names = [name for name in RATIOS if any(name in each for each in result["ratios"].values())]
    rows = [
        (_spoken(name), *(_share(each.get(name)) for each in result["ratios"].values())) for name in names
    ]
    console.table(output, "", columns, rows)
    for warning in warnings(result):
        console.say(output, f"! {warning}")


def _row(name: str, each: Mapping[str, Any]) -> list[object]:
    """Seven columns: they fit a terminal of 80. The JSON has the rest."""
    times = [f"{each[f'p{rank}_ms']:.2f}" for rank in (50, 95, 99)]
    spent = "" if each["cpu_ms"] is None else f"{each['cpu_ms']:.2f}"
    return [name, f"{each['per_second']:,.0f}", *times, spent, f"{each['client_cpu']:.0%}"]


def _spoken(name: str) -> str:
    one, other = RATIOS[name]
    return f"{one} / {other}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def warnings(result: Mapping[str, Any]) -> list[str]:
    """What makes figures less than they seem."""
    found = []
    machine = result["machine"]
    if machine["load_before"] > machine["cores"] / 4:
        found.append(f"the machine was busy with other things before the run (load {machine['load_before']})")
    for case, by_target in result["results"].items():
        for name, each in by_target.items():
            if each["errors"]:
                found.append(f"{case}, {name}: {each['errors']:,} replies were errors")
            if each["server_cpu"] is not None and each["client_cpu"] > BUSY_CLIENT:
                found.append(f"{case}, {name}: the client was busy ({each['client_cpu']:.0%}): a lower bound")
    return found
