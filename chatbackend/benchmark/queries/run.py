"""A run over the queries: data, everything in turn, and what came of it."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from chatbackend.benchmark.data import Dataset
from chatbackend.benchmark.kept import Filled, filled_database
from chatbackend.benchmark.queries import buffers, limit, plain
from chatbackend.benchmark.queries.figures import figures
from chatbackend.benchmark.queries.indexes import weighed
from chatbackend.benchmark.queries.questions import QUESTIONS, Question
from chatbackend.benchmark.queries.targets import Calls, Pgbench, Target, pgbench, script, through

SMALL = 100_000  # what growth is reckoned from
Say = Callable[[str], None]
Call = Callable[[], object]
Key = tuple[str, str]
Times = dict[Key, list[float]]
_SCANS = """SELECT coalesce(sum(idx_scan), 0)::bigint, coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables
    WHERE relname IN ('messages', 'participants', 'conversations', 'users', 'mentions')"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much: messages, rounds, seconds for each query in each round. `keep`: the data is there the next time."""

    messages: int = 1_000_000
    rounds: int = 5
    seconds: float = 0.5
    small: int = SMALL
    keep: bool = False


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Measures everything, in databases of its own, and returns the report."""
    few = min(plan.small, plan.messages)
    with filled_database("bench_small", messages=few, keep=plan.keep, say=say) as small:
        at = connection.copy()
        with (
            filled_database("bench", messages=plan.messages, keep=plan.keep, say=say) as large,
            psycopg.connect(large.url, autocommit=True) as raw,
        ):
            say("Filling the tables of the plain application")
            try:
                with plain.made():
                    return _compared(plan, large, raw, small.data, at, say)
            finally:
                at.close()


def _compared(
    plan: Plan,
    large: Filled,
    raw: psycopg.Connection[Any],
    few: Dataset,
    at: BaseDatabaseWrapper,
    say: Say,
) -> dict[str, Any]:
    targets: dict[Key, Target] = {}
    for question in QUESTIONS:
        say(f"Preparing {question.name}")
        targets[question.name, "before"] = _before(question, large.data)
        targets[question.name, "after"] = _after(question, large.data)
        targets[question.name, "limit"] = _limit(question, large, raw)
        targets[question.name, "small"] = _after(question, few, at)
    times = _measure(targets, plan, say)
    share = _index_use(QUESTIONS, large.data)
    say("Weighing indexes")
    return figures(
        messages=large.data.messages,
        times=times,
        buffers={name: target.buffers for name, target in targets.items()},
        indexes=weighed(),
        index_use_pct=share,
    )


def _bound(call: Callable[[Any], object], asks: Sequence[Any]) -> list[Call]:
    return [lambda ask=ask: call(ask) for ask in asks]  # type: ignore[misc]


def _before(question: Question, data: Dataset) -> Target:
    asks = question.asks(data)
    pages = buffers.touched(limit.seen(lambda: question.before(asks[0])))
    return Calls(_bound(question.before, asks), pages, warmed=0)


def _after(question: Question, data: Dataset, at: BaseDatabaseWrapper | None = None) -> Target:
    with through(at):
        asks = question.asks(data)
        pages = buffers.touched(limit.seen(lambda: question.after(asks[0])))
    return Calls(_bound(question.after, asks), pages, at)


def _limit(question: Question, large: Filled, raw: psycopg.Connection[Any]) -> Target:
    asks = question.asks(large.data)
    if question.copies:
        return Calls([limit.copied(raw, ask) for ask in asks], None)
    each = [
        [limit.bare(one) for one in limit.seen(lambda ask=ask: question.after(ask))]  # type: ignore[misc]
        for ask in asks
    ]
    pages = buffers.touched(each[0])
    if question.writes and (program := pgbench()):
        return Pgbench(program, large.url, [script(raw, one) for one in each], pages)
    return Calls([limit.prepared(raw, one) for one in each], pages)


def _index_use(questions: Sequence[Question], data: Dataset) -> float:
    """Of the times that a table of ours was looked at, how often by an index: percent."""
    before = _scans()
    for question in questions:
        for ask in question.asks(data):
            question.after(ask)
    after = _scans()
    by_index, whole = (late - early for late, early in zip(after, before, strict=True))
    return round(100 * by_index / max(1, by_index + whole), 3)


def _scans() -> tuple[int, int]:
    """On a connection made for it: what a session counted is told to others when it ends."""
    connection.close()
    time.sleep(1.1)  # PostgreSQL passes counts on once a second
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_SCANS)
        by_index, whole = cursor.fetchone()
    return by_index, whole


def _measure(targets: Mapping[Key, Target], plan: Plan, say: Say) -> Times:
    """All reads, then all writes: what was written lately changes the way that a search goes. Milliseconds."""
    writing = {question.name for question in QUESTIONS if question.writes}
    reads = {name: target for name, target in targets.items() if name[0] not in writing}
    writes = {name: target for name, target in targets.items() if name[0] in writing}
    return _rounds(reads, plan, say) | _rounds(writes, plan, say)


def _rounds(targets: Mapping[Key, Target], plan: Plan, say: Say) -> Times:
    """Round by round through everything, so that a machine that changes its pace changes it for all."""
    for target in targets.values():
        target.warm()
    times: Times = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        say(f"Round {number} of {plan.rounds}")
        for name, target in targets.items():
            times[name] += target.timed(plan.seconds)
    return times
