"""Slow each time, and often."""

import dataclasses

import pytest

from dbperf import checks
from dbperf.checks import slow_statements
from dbperf.connections import Database
from tests.dbperf.faults import findings, run


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_statements, "MIN_CALLS", 4)
    run(faulty, "CREATE TABLE t (a int)")
    slow = "SELECT count(*) + 4711 AS slow_one FROM fault.t, pg_sleep(0.03)"
    run(faulty, *[slow] * 3)
    assert [
        found for found in findings(faulty, "slow_statements") if "slow_one" in found.evidence["text"]
    ] == []
    run(faulty, slow)
    (finding,) = (
        found for found in findings(faulty, "slow_statements") if "slow_one" in found.evidence["text"]
    )
    assert finding.evidence["calls"] == 4
    assert finding.evidence["mean_ms"] >= 30
    assert "4711" not in finding.evidence["text"]  # no literal is ever shown


def test_without_the_extension_there_is_nothing_to_say(faulty: Database) -> None:
    asked = checks.context(faulty)
    bare = dataclasses.replace(
        asked, capabilities=dataclasses.replace(asked.capabilities, statements_schema=None)
    )
    assert checks.run(bare, ["slow_statements"]).findings == []
