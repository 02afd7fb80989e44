"""A schema for the faults of one test."""

from collections.abc import Iterator

import pytest

from dbperf.connections import Database
from tests.dbperf import faults


@pytest.fixture
def faulty(database: Database) -> Iterator[Database]:
    """Unqualified names lead into the schema `fault`, which is gone afterwards."""
    faults.run(
        database,
        "DROP SCHEMA IF EXISTS fault CASCADE",
        "CREATE SCHEMA fault",
        "SET search_path TO fault, public",
    )
    yield database
    faults.run(database, "RESET search_path", "DROP SCHEMA fault CASCADE")
