"""A run over the layouts: the hot reads, inserting, and what keeps them in order."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from chatbackend import console
from chatbackend.benchmark.data import Dataset
from chatbackend.benchmark.kept import filled_database
from chatbackend.benchmark.layouts.tables import BY_MONTH, LAYOUTS, PLAIN, Layout, make, part_of, size
from chatbackend.benchmark.queries import limit
from chatbackend.benchmark.queries.questions import QUESTIONS, Question
from chatbackend.benchmark.queries.targets import Calls
from chatbackend.benchmark.report import machine, percentile, versions

Say = Callable[[str], None]
Connection = psycopg.Connection[Any]
Raws = Mapping[Layout, Connection]
ROWS = 1_000  # of an insert
_PICKED = """CREATE TEMP TABLE picked AS
    SELECT * FROM messages TABLESAMPLE SYSTEM ({share}) ORDER BY random() LIMIT {rows}"""
_AGAIN = """UPDATE picked SET id = -id, seq = seq + 1000000000, version = version + 1000000000,
    created_version = created_version + 1000000000, client_id = 'again-' || id"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much: messages made, how often each is laid out, rounds, seconds for each query in each round."""

    messages: int = 1_000_000
    copies: int = 2
    rounds: int = 5
    seconds: float = 0.5
    keep: bool = False


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Measures everything, in a database of its own, and returns the report."""
    with filled_database("bench_layouts", messages=plan.messages, keep=plan.keep, say=say) as filled:
        calls = {each.name: _statements(each, filled.data) for each in QUESTIONS if not each.writes}
        with _laid_out(filled.url, plan, say) as raws:
            layouts: dict[str, dict[str, Any]] = {
                layout.name: {"bytes": size(raw, layout)} for layout, raw in raws.items()
            }
            for name, ways in _reads(calls, raws, plan, say).items():
                layouts[name]["queries"] = ways
            for measured in (_inserts, _care):
                say(measured.__doc__ or "")
                for name, took in measured(raws, plan).items():
                    layouts[name] |= took
    return {
        "machine": machine(),
        "versions": versions(),
        "messages": plan.messages * plan.copies,
        "layouts": layouts,
    }


def _statements(question: Question, data: Dataset) -> list[limit.Statement]:
    asked = [partial(question.after, ask) for ask in question.asks(data)]
    return [limit.bare(one) for ask in asked for one in limit.seen(ask)]


@contextmanager
def _laid_out(url: str, plan: Plan, say: Say) -> Iterator[Raws]:
    with ExitStack() as opened:
        raws: dict[Layout, Connection] = {}
        for layout in LAYOUTS:
            say(f"Laying out {layout.name}")
            raw = raws[layout] = opened.enter_context(psycopg.connect(url, autocommit=True))
            raw.execute("SET statement_timeout = 0")
            raw.execute("SET maintenance_work_mem = '1GB'")
            make(raw, layout, copies=plan.copies)
            raw.execute(sql.SQL("SET search_path = {}, public").format(sql.Identifier(layout.name)))
        yield raws


def _reads(
    calls: Mapping[str, list[limit.Statement]], raws: Raws, plan: Plan, say: Say
) -> dict[str, dict[str, Any]]:
    """Round by round through everything, so that a machine that changes its pace changes it for all."""
    targets = {
        (layout.name, name): Calls([limit.prepared(raw, [one]) for one in statements], None)
        for name, statements in calls.items()
        for layout, raw in raws.items()
    }
    for target in targets.values():
        target.warm()
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        say(f"Round {number} of {plan.rounds}")
        for key, target in targets.items():
            times[key] += target.timed(plan.seconds)
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for (layout, name), taken in times.items():
        found[layout][name] = {f"p{rank}_ms": round(percentile(taken, rank), 3) for rank in (50, 95)}
    return found


def _inserts(raws: Raws, plan: Plan) -> dict[str, dict[str, Any]]:
    """A thousand messages from all over the table"""
    for raw in raws.values():
        raw.execute(_PICKED.format(share=100 if plan.messages < 100_000 else 1, rows=ROWS))
        raw.execute(_AGAIN)
    took: dict[str, list[float]] = defaultdict(list)
    for _ in range(plan.rounds):
        for layout, raw in raws.items():
            with raw.transaction(force_rollback=True):
                took[layout.name].append(
                    _timed(raw, "INSERT INTO messages SELECT * FROM picked") / ROWS * 1e6
                )
    return {name: {"insert_us": round(statistics.median(each), 1)} for name, each in took.items()}


def _care(raws: Raws, plan: Plan) -> dict[str, dict[str, Any]]:
    """Vacuum after one row in fifty changed, and an end to the oldest month"""
    changed = "UPDATE messages SET edited_at = now() WHERE id % 50 = 0"
    found: dict[str, dict[str, Any]] = {}
    [(month,)] = raws[PLAIN].execute("SELECT date_trunc('month', min(sent_at)) FROM messages").fetchall()
    forget = f"DELETE FROM messages WHERE sent_at < '{month.isoformat()}'::timestamptz + interval '1 month'"  # noqa: S608
    for layout, raw in raws.items():
        raw.execute(changed)
        vacuum = _timed(raw, "VACUUM (ANALYZE) messages")
        ended = f"DROP TABLE {part_of(month)}" if layout is BY_MONTH else forget
        found[layout.name] = {"vacuum_s": round(vacuum, 2), "month_s": round(_timed(raw, ended), 3)}
    return found


def _timed(raw: Connection, statement: str) -> float:
    began = time.perf_counter()
    raw.execute(statement)
    return time.perf_counter() - began


def show(output: Any, result: Mapping[str, Any]) -> None:
    """The report as a table: each way as a multiple of the one table, and that in its own units."""
    layouts = result["layouts"]
    console.say(output, f"{result['messages']:,} messages")
    rows = [
        [f"{name}, p95 ms", *(layouts[each]["queries"][name]["p95_ms"] for each in layouts)]
        for name in layouts[PLAIN.name]["queries"]
    ]
    for title, key in (
        ("insert, µs a message", "insert_us"),
        ("vacuum, s", "vacuum_s"),
        ("end of a month, s", "month_s"),
    ):
        rows.append([title, *(layouts[each][key] for each in layouts)])
    rows.append(["MiB", *(round(layouts[each]["bytes"] / 2**20) for each in layouts)])
    console.table(output, "", ("", *layouts), [_beside(row) for row in rows])


def _beside(row: list[Any]) -> list[str]:
    title, plain, *others = row
    return [
        title,
        f"{plain:,}",
        *(f"{each:,} ({each / plain:.2f})" if plain else f"{each:,}" for each in others),
    ]
