"""Read from outside of the cache."""

# ruff: noqa: S608 - put together from constants of its own

import pytest

from dbperf.catalog import server
from dbperf.checks import cache_hit_ratio
from dbperf.connections import Database
from tests.dbperf.faults import findings, run

FEWER = 20_000  # blocks than it takes by itself, so that reading them is a second
A_BLOCK = 226  # rows of one number
SMALL = 500


@pytest.fixture
def large(faulty: Database) -> int:
    """A table of more than a fourth of the cache, of which PostgreSQL keeps nothing there; its blocks."""
    (row,) = faulty.rows("SELECT setting::int AS blocks FROM pg_settings WHERE name = 'shared_buffers'")
    blocks = int(row["blocks"]) // 3
    run(
        faulty,
        f"CREATE UNLOGGED TABLE large AS SELECT g FROM generate_series(1, {blocks * A_BLOCK}) g",
        "VACUUM (FREEZE) large",
        "CREATE UNLOGGED TABLE small (filler text)",
        "ALTER TABLE small ALTER filler SET STORAGE PLAIN",
        f"INSERT INTO small SELECT repeat('x', 8000) FROM generate_series(1, {SMALL})",
    )
    return blocks


def scan(database: Database, table: str, times: int) -> None:
    once = f"SELECT count(*) FROM {table} WHERE n > 0"
    run(database, f"SELECT sum(({once})) FROM generate_series(1, {times}) n")


def until_hits_are(database: Database, share: float) -> None:
    """Reads what is in the cache, until so many of all blocks came out of it."""
    now = server.database(database)
    wanted = share / (1 - share) * now["blocks_read"]
    scan(database, "small", int((wanted - now["blocks_hit"]) / SMALL) + 1)


def test_it(faulty: Database, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scan(faulty, "large", 1)
    assert findings(faulty, "cache_hit_ratio") == []  # too little was read to say
    monkeypatch.setattr(cache_hit_ratio, "MIN_BLOCKS", FEWER)
    scan(faulty, "large", 2 * FEWER // large + 1)
    (finding,) = findings(faulty, "cache_hit_ratio")
    assert (finding.level, finding.subject) == ("critical", "cache")
    assert finding.evidence["blocks_read"] > FEWER / 2


def test_below_what_is_good_and_above_what_is_bad(
    faulty: Database, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_hit_ratio, "MIN_BLOCKS", FEWER)
    scan(faulty, "large", 1)
    until_hits_are(faulty, 0.94)
    (finding,) = findings(faulty, "cache_hit_ratio")
    assert (finding.level, 93 < finding.evidence["hit_pct"] < 96) == ("warning", True)
    until_hits_are(faulty, 0.985)
    assert findings(faulty, "cache_hit_ratio") == []
