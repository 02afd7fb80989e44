"""Indexes that nothing read while we watched, and all that must not be named."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from dbperf.checks import unused_index
from dbperf.connections import Database
from dbperf.models import RelationDay
from tests.dbperf.faults import run, subjects


def watched(database: Database, name: str, *, days: int = 30, scans: int = 0) -> None:
    today = timezone.now().date()
    rows = RelationDay.objects.using(database.alias)
    rows.filter(name=name).delete()
    rows.bulk_create(
        RelationDay(kind="index", name=name, day=today - timedelta(days=back), size_bytes=1, scans=scans)
        for back in range(days)
    )


@pytest.fixture
def big(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(unused_index, "MIN_BYTES", 20_000)
    RelationDay.objects.using(faulty.alias).all().delete()
    run(
        faulty,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "INSERT INTO parent VALUES (1)",
        "CREATE TABLE t (a int, b int, c int REFERENCES parent, r int4range)",
        "INSERT INTO t SELECT n, n, 1, int4range(n, n + 1) FROM generate_series(1, 3000) n",
    )
    return faulty


def test_it(big: Database) -> None:
    run(big, "CREATE INDEX idle ON t (a)")
    watched(big, "fault.idle")
    assert subjects(big, "unused_index") == ["fault.idle"]
    watched(big, "fault.idle", scans=1)
    assert subjects(big, "unused_index") == []


def test_not_watched_for_long_enough(big: Database) -> None:
    run(big, "CREATE INDEX idle ON t (a)")
    assert subjects(big, "unused_index") == []
    watched(big, "fault.idle", days=27)
    assert subjects(big, "unused_index") == []


@pytest.mark.parametrize(
    "needed",
    [
        "CREATE UNIQUE INDEX idle ON t (a)",
        "ALTER TABLE t ADD CONSTRAINT idle PRIMARY KEY (a)",
        "ALTER TABLE t ADD CONSTRAINT idle EXCLUDE USING gist (r WITH &&)",
        "CREATE INDEX idle ON t (c) WITH (deduplicate_items = off)",
        "CREATE INDEX idle ON t ((a + 1))",
        "CREATE INDEX idle ON t (a) WHERE a < 9",  # small
        "CREATE INDEX recent_idle ON t (a)",
    ],
)
def test_what_is_needed(big: Database, settings: Settings, needed: str) -> None:
    settings.DBPERF = {"OWN_INDEX_PREFIXES": ["recent_"]}
    run(big, needed)
    watched(big, "fault.recent_idle" if "recent_idle" in needed else "fault.idle")
    assert subjects(big, "unused_index") == []


def test_two_that_cover_a_key_may_lose_one(big: Database) -> None:
    run(big, "CREATE INDEX one ON t (c) WITH (deduplicate_items = off)", "CREATE INDEX other ON t (c, a)")
    watched(big, "fault.one")
    assert subjects(big, "unused_index") == ["fault.one"]
