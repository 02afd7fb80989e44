"""An index that was built on advice and is good for nothing; one that still may be; one that something else needs."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.utils import timezone

from dbperf.connections import Database
from dbperf.models import BuiltIndex
from dbperf.verdicts import Verdict
from tests.dbperf.accepting import PETS, built
from tests.dbperf.faults import findings, run, subjects

CHECK = "index_without_gain"


@pytest.fixture
def pets(faulty: Database) -> Iterator[Database]:
    run(faulty, "CREATE TABLE pets (kind int NOT NULL, born int NOT NULL)", PETS.sql())
    yield faulty
    BuiltIndex.objects.using(faulty.alias).all().delete()


def test_fault_then_fix_then_silence(pets: Database) -> None:
    moment = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    built(pets, verdict=Verdict.WITHOUT_GAIN, built_at=moment)
    (finding,) = findings(pets, CHECK)
    assert (finding.subject, finding.level) == (f"fault.{PETS.name}", "warning")
    assert finding.detail.endswith("was built on advice 2026-03-01. Nothing has read it since.")
    run(pets, finding.remedy.sql)
    assert findings(pets, CHECK) == []


def test_one_that_something_reads_is_to_be_looked_at_first(pets: Database) -> None:
    built(pets, verdict=Verdict.WITHOUT_GAIN, scans=9, calls_after=60, ms_after=9.5, blocks_after=390.0)
    (finding,) = findings(pets, CHECK)
    assert finding.level == "info"
    assert "takes 9.5 ms and 390 pages; before it took 10.0 ms and 400" in finding.detail
    assert finding.remedy.text.startswith("See first which other statements read it.")


@pytest.mark.parametrize("verdict", [Verdict.OPEN, Verdict.CONFIRMED, Verdict.DROPPED])
def test_near_misses(pets: Database, verdict: Verdict) -> None:
    built(pets, verdict=verdict)
    built(pets, verdict=Verdict.WITHOUT_GAIN, state="failed")
    assert findings(pets, CHECK) == []


def test_one_that_was_built_again_is_judged_anew(pets: Database) -> None:
    built(pets, verdict=Verdict.WITHOUT_GAIN)
    built(pets, verdict=Verdict.OPEN, built_at=timezone.now())
    assert findings(pets, CHECK) == []


def test_one_that_a_foreign_key_needs_stays(pets: Database) -> None:
    run(
        pets,
        "CREATE TABLE kinds (id int PRIMARY KEY)",
        "ALTER TABLE pets ADD CONSTRAINT of_kind FOREIGN KEY (kind) REFERENCES kinds",
    )
    built(pets, verdict=Verdict.WITHOUT_GAIN)
    assert findings(pets, CHECK) == []
    run(pets, "CREATE INDEX pets_kind ON pets (kind)")
    assert subjects(pets, CHECK) == [f"fault.{PETS.name}"]
