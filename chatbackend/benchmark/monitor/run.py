"""A whole run: the history of a year, a server under load, staff who look, and what the looking costs."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db import connection

from chatbackend import console
from chatbackend.benchmark import report
from chatbackend.benchmark.cases import CASES
from chatbackend.benchmark.client import Load, Measure
from chatbackend.benchmark.data import fill
from chatbackend.benchmark.database import own_database
from chatbackend.benchmark.monitor import cost, staff, year
from chatbackend.benchmark.run import requests
from chatbackend.benchmark.servers import HOST, Server, ServerFailedError
from chatbackend.benchmark.targets import run_client
from dbperf import checks
from dbperf.aliases import DEFAULT
from dbperf.connections import Database
from dbperf.history import retention
from dbperf.services import reporting

Say = Callable[[str], None]
PULSES_AN_HOUR: Final = 120
HOUR_S: Final = 3_600


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much: rows, seconds of each measurement, connections of the load, and of the year."""

    messages: int = 200_000
    seconds: float = 5.0
    connections: int = 16
    share: float = 1.0  # of a year's history


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Measures everything, in a database of its own, and returns the report."""
    load_before = os.getloadavg()[0]
    with own_database() as url, TemporaryDirectory(prefix="bench-") as static:
        say(f"Writing {plan.messages:,} messages")
        data = fill(messages=plan.messages)
        on = _watched()
        say("Writing a year of history")
        kept = _year(plan, on)
        staff.collect_static(static)
        urls = dict.fromkeys(("DATABASE_URL", "DB_MONITOR_URL", "DB_MAINTENANCE_URL"), url)
        server = Server("wsgi", {**urls, "STATIC_ROOT": static})
        try:
            server.start()
            chat = [each for case in CASES for each in requests(case, data)[:16]]
            found = _measured(plan, server, chat, on, say)
        finally:
            server.stop()
        machine = {**report.machine(), "load_before": round(load_before, 2)}
        return {
            "machine": machine,
            "versions": report.versions(),
            "messages": data.messages,
            "kept": kept,
            **found,
        }


def _watched() -> Database:
    """With what the looks need, and the first of them."""
    on = Database(DEFAULT)
    if not checks.context(on).capabilities.statements:
        raise ServerFailedError("This needs pg_stat_statements: `manage.py db_setup` says how to get it.")
    cost.pulse(on)
    cost.hour(on)
    reporting.keep_week(database=on)
    return on


def _year(plan: Plan, on: Database) -> dict[str, Any]:
    """What it takes once what is beyond the numbers is gone."""
    year.fill(share=plan.share)
    cost.hour(on)
    tables = ", ".join(sorted(retention.ours()))
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {tables}")
    cost.pulse(on)
    return {
        "bytes": retention.own_bytes(store=DEFAULT),
        "budget_bytes": retention.budget_bytes(),
        "share": plan.share,
    }


def _measured(plan: Plan, server: Server, chat: list[str], on: Database, say: Say) -> dict[str, Any]:
    asked = {"a page of history": chat[0], **staff.requests()}
    run_client(Load(HOST, server.port, 4, plan.seconds, [*asked.values(), *chat]))  # connections, templates
    say("Staff look while nobody chats")
    alone = {path: _answer(server, request, plan.seconds) for path, request in asked.items()}
    with _under(server, chat, plan, seconds=plan.seconds * len(asked)):
        say("Staff look while people chat")
        answers = {path: _answer(server, request, plan.seconds) for path, request in asked.items()}
    say("The clock looks while people chat")
    return {"alone": alone, "answers": answers, "cost": _cost(plan, server, chat, on)}


@contextmanager
def _under(server: Server, chat: list[str], plan: Plan, *, seconds: float) -> Iterator[None]:
    """Load, by a client in a process of its own, for as long as the block takes."""
    with ThreadPoolExecutor(1) as threads:
        load = Load(HOST, server.port, plan.connections, seconds + 1, chat)
        under = threads.submit(run_client, load)
        yield
        under.result()


def _answer(server: Server, request: str, seconds: float) -> dict[str, Any]:
    """One after the other, by one connection."""
    before = server.cpu_seconds()
    measured: Measure = run_client(Load(HOST, server.port, 1, seconds, [request]))
    spent = 1000 * (server.cpu_seconds() - before)
    times = {f"p{rank}_ms": round(report.percentile(measured.latencies, rank), 1) for rank in (50, 95, 99)}
    return {
        "requests": measured.requests,
        "errors": measured.errors,
        **times,
        "cpu_ms": round(spent / max(1, measured.requests), 1),
        "bytes": measured.bytes // max(1, measured.requests),
    }


def _cost(plan: Plan, server: Server, chat: list[str], on: Database) -> dict[str, Any]:
    """What an hour of watching takes, out of pulses and hourly looks, beside what the load takes in an hour at this
    pace."""
    pulses = max(1, round(plan.seconds * 2))
    with _under(server, chat, plan, seconds=plan.seconds * 4):
        before, began = cost.so_far(on), time.perf_counter()
        for _ in range(pulses):
            cost.pulse(on)
            time.sleep(1)
        took, seconds = cost.so_far(on).since(before), time.perf_counter() - began
        pulse_ms = took.own_ms / pulses
        hour_ms = cost.mean_hour(on)
    own = PULSES_AN_HOUR * pulse_ms + hour_ms
    chatting = (took.all_ms - took.own_ms) / seconds * HOUR_S
    return {
        "pulse_ms": round(pulse_ms, 1),
        "hour_ms": round(hour_ms, 1),
        "own_ms_an_hour": round(own),
        "load_ms_an_hour": round(chatting),
        "share_pct": round(100 * own / (own + chatting), 3),
        "of_one_core_pct": round(100 * own / (1000 * HOUR_S), 3),
    }


def show(output: Any, result: dict[str, Any]) -> None:
    """The report as tables."""
    columns = ("", "p50", "p95", "CPU", "p50", "p95", "p99", "errors")
    console.table(
        output,
        "Milliseconds, alone and then under load",
        columns,
        [_row(path, result) for path in result["answers"]],
    )
    console.table(output, "", ("the database's time", ""), list(result["cost"].items()))
    console.table(output, "", ("history", ""), list(result["kept"].items()))


def _row(path: str, result: dict[str, Any]) -> list[object]:
    alone, under = result["alone"][path], result["answers"][path]
    times = [
        alone["p50_ms"],
        alone["p95_ms"],
        alone["cpu_ms"],
        under["p50_ms"],
        under["p95_ms"],
        under["p99_ms"],
    ]
    return [path.removeprefix("/admin/"), *times, under["errors"]]
