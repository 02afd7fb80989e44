"""Requests that wait for a connection, on a real pool of one."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import Error, connections

from dbperf.checks import pool_saturation
from dbperf.connections import Database
from dbperf.findings import Level
from dbperf.services import pooling
from tests import scratch
from tests.dbperf.faults import findings

ALIAS = "pooled"


@pytest.fixture
def pooled(faulty: Database) -> Iterator[str]:
    """A pool of a single connection, and patience for a fifth of a second."""
    known = connections["default"].settings_dict
    pool = {"min_size": 1, "max_size": 1, "timeout": 0.2}
    with scratch.registered(ALIAS, {**known, "OPTIONS": {**known["OPTIONS"], "pool": pool}}):
        connection: Any = connections[ALIAS]
        connection.pool.open(wait=True, timeout=20)  # its patience is for those who ask
        connection.ensure_connection()
        pooling.keep(store=faulty.alias, alias=ALIAS)
        yield ALIAS
        close_pool()


def close_pool() -> None:
    connection: Any = connections[ALIAS]
    connection.close()
    connection.close_pool()


def somebody_asks() -> None:
    """In a thread of their own, while the only connection is taken."""

    def ask() -> None:
        with suppress(Error):
            connections[ALIAS].ensure_connection()
        connections[ALIAS].close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(10)


def test_it(faulty: Database, pooled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pooling.keep(store=faulty.alias, alias=pooled)  # nobody waits, nothing is told
    assert findings(faulty, "pool_saturation") == []
    somebody_asks()
    assert pooling.keep(store=faulty.alias, alias=pooled)
    (finding,) = findings(faulty, "pool_saturation")
    assert (finding.level, finding.subject) == (Level.CRITICAL, "pool")
    assert finding.evidence["in_vain"] >= 1
    assert finding.evidence["pool_max"] == 1
    connections[pooled].close()  # given back
    somebody_asks()
    assert not pooling.keep(store=faulty.alias, alias=pooled)
    monkeypatch.setattr(pool_saturation, "WITHIN", pool_saturation.WITHIN * 0)
    assert findings(faulty, "pool_saturation") == []


def test_without_a_pool(faulty: Database) -> None:
    assert not pooling.keep(store=faulty.alias, alias=faulty.alias)


def told(queued: int, mean_ms: int, in_vain: int = 0, process: str = "a") -> dict[str, Any]:
    figures = {"requests_num": 1000, "requests_queued": queued, "requests_wait_ms": queued * mean_ms}
    return {"process": process, "requests_errors": in_vain, "pool_max": 20, **figures}


@pytest.mark.parametrize(
    ("rows", "levels"),
    [
        ([], []),
        ([told(9, 5000)], []),  # a burst as a process begins
        ([told(500, 99)], []),
        ([told(10, 100)], [Level.WARNING]),
        ([told(5, 100), told(5, 100, process="b")], [Level.WARNING]),
        ([told(0, 0, in_vain=1)], [Level.CRITICAL]),
    ],
)
def test_how_bad_it_is(rows: list[dict[str, Any]], levels: list[Level]) -> None:
    assert [finding.level for finding in pool_saturation.judge(rows)] == levels
