"""A loop that asks for each row, in requests and in a task."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbperf import tracing
from dbperf.connections import Database
from dbperf.history import origins
from dbperf.models import EndpointHour, Origin
from dbperf.tracing import Sums, Work
from tests.dbperf.faults import findings


@pytest.fixture(autouse=True)
def _empty(database: Database) -> Iterator[None]:
    yield
    for model in (Origin, EndpointHour):
        model._default_manager.using(database.alias).all().delete()


def works(database: Database, *, kind: str, each: int, times: int) -> None:
    """So many pieces of work, each with so many statements from one line."""
    sums = Sums()
    for _ in range(times):
        done = Work(kind, "GET /rows")
        for _ in range(each):
            done.add("SELECT * FROM t WHERE id = %s", 0.001)
        sums.add(done, 0.1)
    origins.keep(sums, store=database.alias, release="1.2")


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_root", f"{Path(__file__).parent}/")
    tracing._ours.clear()
    works(faulty, kind="http", each=9, times=20)  # few rows
    works(faulty, kind="http", each=10, times=4)  # seldom
    works(faulty, kind="task", each=50, times=20)
    assert findings(faulty, "n_plus_one") == []
    works(faulty, kind="http", each=12, times=1)
    (finding,) = findings(faulty, "n_plus_one")
    assert finding.evidence["place"].startswith("test_n_plus_one.py:")
    assert finding.evidence["most_in_one"] == 12
    assert finding.evidence["repeated"] == 5
    assert finding.evidence["since_release"] == "1.2"
    assert "GET /rows" in finding.detail
    tracing._ours.clear()
