"""Settings that cost durability, upkeep or good plans."""

from typing import Any

import pytest

from dbperf.checks import settings
from dbperf.connections import Database
from tests.dbperf.faults import findings


def test_of_this_server(faulty: Database) -> None:
    """The throwaway server of a test run really has no durability."""
    assert {"fsync", "full_page_writes"} <= {found.subject for found in findings(faulty, "settings")}


GOOD: dict[str, dict[str, Any]] = {
    **{name: {"setting": "on"} for name in settings.NEVER_OFF},
    "shared_buffers": {"bytes": 128 * 1024**2},
    "effective_cache_size": {"bytes": 4 * 1024**3},
    "random_page_cost": {"setting": "1.1"},
    "seq_page_cost": {"setting": "1"},
}


@pytest.mark.parametrize(
    ("name", "value", "near_miss"),
    [
        *((name, {"setting": "off"}, {"setting": "on"}) for name in settings.NEVER_OFF),
        ("shared_buffers", {"bytes": 16 * 1024**2}, {"bytes": 129 * 1024**2}),
        ("effective_cache_size", {"bytes": 127 * 1024**2}, {"bytes": 128 * 1024**2}),
        ("random_page_cost", {"setting": "4"}, {"setting": "3.9"}),
    ],
)
def test_each_rule(name: str, value: dict[str, Any], near_miss: dict[str, Any]) -> None:
    size = 500 * 1024**2
    assert list(settings.judge(GOOD, size)) == []
    assert [found.subject for found in settings.judge({**GOOD, name: value}, size)] == [name]
    assert list(settings.judge({**GOOD, name: near_miss}, size)) == []


def test_what_may_not_be_seen_is_not_judged() -> None:
    assert list(settings.judge({}, 500 * 1024**2)) == []
