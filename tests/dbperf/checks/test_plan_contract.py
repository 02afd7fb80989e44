"""What the daily look at plans found, told as findings."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.utils import timezone

from dbperf.connections import Database
from dbperf.models import Snapshot
from tests.dbperf.faults import findings

BY_INDEX, WHOLE = ["Index Scan using a on t"], ["Seq Scan on t"]


@pytest.fixture(autouse=True)
def _nothing_kept(database: Database) -> None:
    Snapshot.objects.using(database.alias).filter(kind="plans").delete()


def looked(database: Database, *plans: tuple[Sequence[str], Sequence[str]]) -> None:
    """One look: what was broken, and the plan, of each of `q0`, `q1` …"""
    figures: dict[str, Any] = {
        f"q{place}": {"broken": list(broken), "plan": list(plan)}
        for place, (broken, plan) in enumerate(plans)
    }
    Snapshot.objects.using(database.alias).create(kind="plans", taken_at=timezone.now(), figures=figures)


def test_a_broken_one_until_it_holds_again(database: Database) -> None:
    assert findings(database, "plan_contract") == []
    looked(database, ([], BY_INDEX))
    looked(database, (["t is read whole"], WHOLE))
    (finding,) = findings(database, "plan_contract")
    assert (finding.subject, finding.level) == ("q0", "warning")
    assert finding.evidence == {"plan": WHOLE, "plan_before": BY_INDEX}
    looked(database, ([], BY_INDEX))
    looked(database, ([], BY_INDEX))
    assert findings(database, "plan_contract") == []


def test_another_way_is_worth_knowing_for_a_day(database: Database) -> None:
    looked(database, ([], BY_INDEX), ([], BY_INDEX))
    looked(database, ([], ["Index Scan using b on t"]), ([], BY_INDEX))
    (finding,) = findings(database, "plan_contract")
    assert (finding.subject, finding.level) == ("q0", "info")
    looked(database, ([], ["Index Scan using b on t"]), ([], BY_INDEX))
    assert findings(database, "plan_contract") == []


def test_a_new_query_is_no_change(database: Database) -> None:
    looked(database, ([], BY_INDEX))
    looked(database, ([], BY_INDEX), ([], BY_INDEX))
    assert findings(database, "plan_contract") == []
