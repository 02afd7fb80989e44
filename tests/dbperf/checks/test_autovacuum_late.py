"""A table that maintenance has to do night after night."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dbperf.connections import Database
from dbperf.models import MaintenanceRun
from tests.dbperf.faults import findings, run, subjects
from tests.dbperf.upkeep import maintained

CHECK = "autovacuum_late"


@pytest.fixture
def nights(faulty: Database) -> Iterator[Database]:
    """Three nights on which `fault.t` had dead rows, one of them with two rounds."""
    runs = MaintenanceRun.objects.using(faulty.alias)
    runs.all().delete()
    run(
        faulty,
        "CREATE TABLE t (a int) WITH (autovacuum_enabled = off)",
        "INSERT INTO t SELECT generate_series(1, 30000)",
        "ANALYZE t",
        "DELETE FROM t WHERE a > 25000",
    )
    done = maintained(faulty)
    run(faulty, "ALTER TABLE t RESET (autovacuum_enabled)")
    for night in range(3):
        done.pk, done.created_at = None, done.created_at - timedelta(days=min(night, 1))
        done.save(force_insert=True)
    yield faulty
    runs.all().delete()


def another_night(database: Database) -> None:
    first = MaintenanceRun.objects.using(database.alias).earliest("created_at")
    first.pk, first.created_at = None, first.created_at - timedelta(days=1)
    first.save(force_insert=True)


def test_it(nights: Database) -> None:
    assert findings(nights, CHECK) == []
    another_night(nights)
    (finding,) = findings(nights, CHECK)
    assert (finding.subject, finding.evidence["days"]) == ("fault.t", 4)
    assert finding.remedy.sql == "ALTER TABLE fault.t SET (autovacuum_vacuum_scale_factor = 0.1);"
    assert finding.remedy.model == (
        f'migrations.RunSQL("{finding.remedy.sql}", "ALTER TABLE fault.t RESET (autovacuum_vacuum_scale_factor);")'
    )
    run(nights, finding.remedy.sql)
    assert findings(nights, CHECK) == []


def test_where_autovacuum_is_off_it_is_to_be_on(nights: Database) -> None:
    another_night(nights)
    run(nights, "ALTER TABLE t SET (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.1)")
    (finding,) = findings(nights, CHECK)
    assert finding.remedy.sql == "ALTER TABLE fault.t RESET (autovacuum_enabled);"
    run(nights, finding.remedy.sql)
    assert findings(nights, CHECK) == []


def test_what_somebody_asked_for_or_is_small_does_not_count(nights: Database) -> None:
    another_night(nights)
    MaintenanceRun.objects.using(nights.alias).update(tables=["fault.t"])
    assert subjects(nights, CHECK) == []
    MaintenanceRun.objects.using(nights.alias).update(tables=[])
    assert subjects(nights, CHECK) == ["fault.t"]
    run(nights, "DELETE FROM t WHERE a > 9000", "VACUUM (ANALYZE) t")
    assert subjects(nights, CHECK) == []
