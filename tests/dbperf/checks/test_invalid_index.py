"""A concurrent build that failed, and one that did not."""

import pytest
from django.db import IntegrityError

from dbperf.connections import Database
from tests.dbperf.faults import findings, run


def test_it(faulty: Database) -> None:
    run(faulty, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (1)", "CREATE INDEX good ON t (a)")
    with pytest.raises(IntegrityError):
        run(faulty, "CREATE UNIQUE INDEX CONCURRENTLY carcass ON t (a)")
    (finding,) = findings(faulty, "invalid_index")
    assert finding.subject == "fault.carcass"
    run(faulty, finding.remedy.sql)
    assert findings(faulty, "invalid_index") == []
