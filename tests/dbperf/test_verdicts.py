"""What becomes of an index that was built on advice: confirmed, without gain, dropped, or not clear yet."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from dbperf.connections import Database
from dbperf.history import relations
from dbperf.models import BuiltIndex, RelationDay, Snapshot, Statement
from dbperf.services import judging, looking
from dbperf.verdicts import Use, Verdict, verdict
from tests.dbperf.accepting import PETS, built, used
from tests.dbperf.faults import run

BEFORE = Use(100, 10.0, 400.0)
DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("after", "scans", "days", "said"),
    [
        (Use(50, 7.0, 400.0), 1, 0, "confirmed"),
        (Use(50, 20.0, 280.0), 1, 0, "confirmed"),
        (Use(50, 7.1, 281.0), 1, 6.9, "open"),
        (Use(50, 7.1, 281.0), 1, 7, "without gain"),
        (Use(49, 1.0, 1.0), 1, 0, "open"),
        (Use(49, 1.0, 1.0), 1, 30, "open"),
        (Use(49, 1.0, 1.0), 0, 7, "without gain"),
        (Use(50, 1.0, 1.0), 0, 6.9, "open"),
        (Use(50, 1.0, 1.0), 0, 7, "without gain"),
        (Use(), 0, 6.9, "open"),
    ],
)
def test_a_verdict(after: Use, scans: int, days: float, said: str) -> None:
    assert verdict(BEFORE, after, scans=scans, age=days * DAYS, counted=True) == said


def test_what_is_not_known_says_nothing() -> None:
    assert verdict(BEFORE, Use(), scans=0, age=7 * DAYS, counted=False) == "open"  # replicas may read it
    assert verdict(Use(100, 0.0, 0.0), Use(50, 0.0, 0.0), scans=1, age=DAYS, counted=True) == "open"


@pytest.fixture
def pets(faulty: Database) -> Iterator[Database]:
    run(
        faulty,
        "CREATE TABLE pets (kind int NOT NULL, born int NOT NULL)",
        "INSERT INTO pets SELECT n / 100, n FROM generate_series(1, 3000) n",
        PETS.sql(),
        "ANALYZE pets",
    )
    yield faulty
    for model in (BuiltIndex, Statement, RelationDay, Snapshot):
        model._default_manager.using(faulty.alias).all().delete()


def read(database: Database) -> None:
    run(database, "SET enable_seqscan = off", "SELECT FROM pets WHERE kind = 7", "RESET enable_seqscan")


def judged(database: Database, *, days: float = 0.0) -> BuiltIndex:
    """As of so many days from now."""
    judging.judge(database, store=database.alias, now=timezone.now() + days * DAYS)
    return BuiltIndex.objects.using(database.alias).get()


def test_it_is_confirmed_by_what_its_statement_did_since(pets: Database) -> None:
    built(pets)
    read(pets)
    used(pets, calls=1_000, ms=9.0, blocks=400, hours=23.5)  # begun before it was built
    used(pets, calls=1_000, ms=9.0, blocks=400, hours=1, queryid=8)  # another statement
    assert (judged(pets).verdict, judged(pets).calls_after) == ("open", 0)
    used(pets, calls=30, ms=2.0, blocks=8, hours=2)
    used(pets, calls=90, ms=6.0, blocks=4, hours=1)
    row = judged(pets)
    assert (row.verdict, row.calls_after, row.ms_after, row.blocks_after) == ("confirmed", 120, 5.0, 5.0)
    assert row.scans == 1
    used(pets, calls=10_000, ms=90.0, blocks=900, hours=0.5)
    assert judged(pets, days=8).verdict == "confirmed"  # it is clear


def test_a_week_without_gain_and_a_gain_after_it(pets: Database) -> None:
    built(pets)
    read(pets)
    used(pets, calls=100, ms=9.0, blocks=400, hours=1)
    assert judged(pets, days=5.9).verdict == "open"
    assert judged(pets, days=6.1).verdict == "without gain"
    used(pets, calls=1_000, ms=1.0, blocks=40, hours=0.5)
    assert judged(pets, days=6.2).verdict == "confirmed"


def test_what_history_saw_read_was_read_although_postgresql_began_to_count_anew(pets: Database) -> None:
    built(pets)
    relations.record(pets, stats_reset="x", store=pets.alias, now=timezone.now())
    read(pets)
    relations.record(pets, stats_reset="x", store=pets.alias, now=timezone.now())
    run(pets, f"DROP INDEX {PETS.name}", PETS.sql())  # as after a crash
    row = judged(pets, days=6.1)
    assert (row.verdict, row.scans) == ("open", 1)


def test_one_that_is_gone_is_not_looked_at_any_more(pets: Database) -> None:
    built(pets)
    run(pets, f"DROP INDEX {PETS.name}")
    assert judged(pets).verdict == "dropped"
    run(pets, PETS.sql())
    assert judged(pets, days=8).verdict == "dropped"


def test_after_a_month_it_stays_as_it_is(pets: Database) -> None:
    built(pets, verdict=Verdict.OPEN)
    assert judged(pets, days=29.1).verdict == "open"
    assert judged(pets, days=28.9).verdict == "without gain"


def test_the_hourly_look_judges_and_says_so(pets: Database) -> None:
    built(pets, built_at=timezone.now() - 8 * DAYS)
    outcome = looking.keep_hour(database=pets, store=pets.alias)
    assert "index_without_gain" in {finding.check for finding in outcome.findings}
