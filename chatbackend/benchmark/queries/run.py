"""A run over the queries: data, everything in turn, and what came of it."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import psycopg
from django.db import connection

from chatbackend.benchmark.data import Dataset, fill
from chatbackend.benchmark.database import own_database
from chatbackend.benchmark.queries import buffers, limit, plain
from chatbackend.benchmark.queries.figures import figures
from chatbackend.benchmark.queries.indexes import weighed
from chatbackend.benchmark.queries.questions import QUESTIONS, Question

SMALL = 100_000  # what growth is reckoned from
WARM = 7  # calls after which PostgreSQL keeps one plan for all
Say = Callable[[str], None]
Call = Callable[[], object]
Times = dict[tuple[str, str], list[float]]
_SCANS = """SELECT coalesce(sum(idx_scan), 0)::bigint, coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables
    WHERE relname IN ('messages', 'participants', 'conversations', 'users', 'mentions')"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much: messages, rounds, seconds for each query in each round."""

    messages: int = 1_000_000
    rounds: int = 5
    seconds: float = 0.5
    small: int = SMALL


@dataclass(frozen=True, slots=True)
class Target:
    """One query one way: calls with different values, and how many buffers the first touches."""

    calls: Sequence[Call]
    buffers: int | None


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Measures everything, in databases of its own, and returns the report."""
    with own_database() as url, psycopg.connect(url, autocommit=True) as raw:
        data = fill(messages=plan.small, say=say)
        small = _measure({(one.name, "after"): _after(one, data) for one in QUESTIONS}, plan, say)
    with own_database() as url, psycopg.connect(url, autocommit=True) as raw:
        data = fill(messages=plan.messages, say=say)
        say("Filling the tables of the plain application")
        with plain.made():
            return _compared(plan, data, raw, small, say)


def _compared(
    plan: Plan, data: Dataset, raw: psycopg.Connection[Any], small: Times, say: Say
) -> dict[str, Any]:
    targets: dict[tuple[str, str], Target] = {}
    for question in QUESTIONS:
        say(f"Preparing {question.name}")
        targets[question.name, "before"] = _before(question, data)
        targets[question.name, "after"] = _after(question, data)
        targets[question.name, "limit"] = _limit(question, data, raw)
    large = _measure(targets, plan, say)
    share = _index_use([each for (_, way), each in targets.items() if way == "after"])
    say("Weighing indexes")
    return figures(
        messages=data.messages,
        large=large,
        small=small,
        buffers={name: target.buffers for name, target in targets.items()},
        indexes=weighed(),
        index_use_pct=share,
    )


def _bound(call: Callable[[Any], object], asks: Sequence[Any]) -> list[Call]:
    return [lambda ask=ask: call(ask) for ask in asks]  # type: ignore[misc]


def _before(question: Question, data: Dataset) -> Target:
    asks = question.asks(data)
    return Target(
        _bound(question.before, asks), buffers.touched(limit.seen(lambda: question.before(asks[0])))
    )


def _after(question: Question, data: Dataset) -> Target:
    asks = question.asks(data)
    return Target(_bound(question.after, asks), buffers.touched(limit.seen(lambda: question.after(asks[0]))))


def _limit(question: Question, data: Dataset, raw: psycopg.Connection[Any]) -> Target:
    asks = question.asks(data)
    if question.copies:
        return Target([limit.copied(raw, ask) for ask in asks], None)
    each = [
        [limit.bare(one) for one in limit.seen(lambda ask=ask: question.after(ask))]  # type: ignore[misc]
        for ask in asks
    ]
    return Target([limit.prepared(raw, one) for one in each], buffers.touched(each[0]))


def _index_use(targets: Sequence[Target]) -> float:
    """Of the times that a table of ours was looked at, how often by an index: percent."""
    before = _scans()
    for target in targets:
        for call in target.calls:
            call()
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


def _measure(targets: Mapping[tuple[str, str], Target], plan: Plan, say: Say) -> Times:
    """All reads, then all writes: what was written lately changes the way that a search goes. Milliseconds."""
    writing = {question.name for question in QUESTIONS if question.writes}
    reads = {name: target for name, target in targets.items() if name[0] not in writing}
    writes = {name: target for name, target in targets.items() if name[0] in writing}
    return _rounds(reads, plan, say) | _rounds(writes, plan, say)


def _rounds(targets: Mapping[tuple[str, str], Target], plan: Plan, say: Say) -> Times:
    """Round by round through everything, so that a machine that changes its pace changes it for all."""
    calls = {name: cycle(target.calls) for name, target in targets.items()}
    for (_, way), each in calls.items():
        for _ in range(0 if way == "before" else WARM):
            next(each)()
    times: Times = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        say(f"Round {number} of {plan.rounds}")
        for name, each in calls.items():
            times[name] += _timed(each, plan.seconds)
    return times


def _timed(calls: Any, seconds: float) -> list[float]:
    """At least one call, however slow."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        began = time.perf_counter()
        next(calls)()
        taken.append((time.perf_counter() - began) * 1000)
    return taken
