"""Statements against their own past."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dbperf.connections import Database
from dbperf.models import Statement, StatementUse
from tests.dbperf.faults import findings


def use(statement: Statement, database: Database, *, days: float, calls: int, mean_ms: float) -> None:
    StatementUse.objects.using(database.alias).create(
        statement=statement,
        taken_at=timezone.now() - timedelta(days=days),
        window_s=3600,
        calls=calls,
        total_ms=calls * mean_ms,
        **dict.fromkeys(("rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes"), 0),
    )


@pytest.fixture
def statement(faulty: Database) -> Statement:
    Statement.objects.using(faulty.alias).all().delete()
    facts = {"queryid": 7, "userid": 1, "dbid": 1, "toplevel": True, "first_seen": timezone.now()}
    return Statement.objects.using(faulty.alias).create(text="SELECT $1", **facts)


def test_it(faulty: Database, statement: Statement) -> None:
    use(statement, faulty, days=3, calls=100, mean_ms=10)
    use(statement, faulty, days=0.5, calls=100, mean_ms=20)
    (finding,) = findings(faulty, "slower_statements")
    assert (finding.evidence["mean_before_ms"], finding.evidence["mean_ms"]) == (10.0, 20.0)
    use(statement, faulty, days=0.1, calls=100, mean_ms=10)
    assert findings(faulty, "slower_statements") == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ((100, 10.0), (100, 19.9)),
        ((100, 2.0), (100, 4.9)),
        ((49, 10.0), (100, 30.0)),
        ((100, 10.0), (49, 30.0)),
    ],
)
def test_near_misses(
    faulty: Database, statement: Statement, before: tuple[int, float], now: tuple[int, float]
) -> None:
    use(statement, faulty, days=3, calls=before[0], mean_ms=before[1])
    use(statement, faulty, days=0.5, calls=now[0], mean_ms=now[1])
    assert findings(faulty, "slower_statements") == []


def test_our_own_are_left_out(faulty: Database, statement: Statement) -> None:
    Statement.objects.using(faulty.alias).update(own=True)
    use(statement, faulty, days=3, calls=100, mean_ms=10)
    use(statement, faulty, days=0.5, calls=100, mean_ms=100)
    assert findings(faulty, "slower_statements") == []
