"""Indexes over the last days: made, found good, and only then put in the place of the one before."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from dbperf import rotation
from dbperf.catalog import windows as catalog
from dbperf.connections import Database, Unavailable
from dbperf.rotation import Busy, Outcome, Statement, Window

SUNDAY = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
NEXT = SUNDAY + timedelta(days=7)
STANDING = "SELECT at FROM notes WHERE NOT gone AND kind = %(kind)s::int AND at >= DAY"
FIRST, SECOND = "notes_recent_20260130", "notes_recent_20260206"


def _standing(literal: str) -> Statement:
    return STANDING.replace("DAY", literal), {"kind": 7}


def _all(literal: str) -> Statement:
    return STANDING.replace("DAY", literal).replace("NOT gone AND", ""), {"kind": 7}


def _of_now(literal: str) -> Statement:
    return _standing("now() - interval '9 days'")


WINDOW = Window(
    name="notes_recent",
    table="notes",
    index="btree (kind, at)",
    condition="NOT gone",
    time="at",
    days=30,
    query=_standing,
    overlap_s=0.0,
)


@pytest.fixture
def notes(database: Database) -> Iterator[Database]:
    """Four months of them, one in ten minutes."""
    database.run("CREATE TABLE notes (at timestamptz NOT NULL, kind int NOT NULL, gone bool NOT NULL)")
    database.run(
        "INSERT INTO notes SELECT at, random() * 100, random() < 0.02 FROM generate_series("
        "'2025-11-01 00:00+00'::timestamptz, '2026-03-08 00:00+00', '10 minutes') at"
    )
    database.run("VACUUM ANALYZE notes")
    yield database
    database.run("DROP TABLE notes")


def _rotate(
    database: Database,
    now: datetime,
    window: Window = WINDOW,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[Outcome, str | None, list[str]]:
    done = rotation.rotate(window, database, now=now, tell=tell)
    return done.outcome, done.index, list(done.dropped)


def _there(database: Database) -> dict[str, bool]:
    return {
        row["name"]: row["valid"] for row in catalog.indexes(database, table="notes", window="notes_recent")
    }


def _plan(database: Database, now: datetime) -> set[str]:
    return catalog.used_indexes(database, *WINDOW.query(rotation.literal(WINDOW.cutoff(now))))


def test_week_by_week(notes: Database) -> None:
    assert _rotate(notes, SUNDAY) == (Outcome.BUILT, FIRST, [])
    assert _plan(notes, SUNDAY) == {FIRST}
    assert _rotate(notes, SUNDAY + timedelta(hours=20)) == (Outcome.CURRENT, FIRST, [])
    assert _rotate(notes, NEXT) == (Outcome.BUILT, SECOND, [FIRST])
    assert (_there(notes), _plan(notes, NEXT)) == ({SECOND: True}, {SECOND})


def test_who_still_states_the_day_before_finds_the_index_before_until_the_last_moment(
    notes: Database,
) -> None:
    _rotate(notes, SUNDAY)
    plans: list[set[str]] = []
    _rotate(notes, NEXT, tell=lambda text: plans.append(_plan(notes, SUNDAY)))
    assert plans == [{FIRST}] * 3  # building, serving, dropping
    assert _plan(notes, SUNDAY) == set()


@pytest.mark.parametrize(
    "literal",
    [
        "now() - interval '9 days'",
        "DATE '2026-01-30'",
        "TIMESTAMP '2026-01-30'",
        "TIMESTAMPTZ '2026-01-29 00:00+00'",
    ],
)
def test_what_does_not_prove_that_the_index_holds_all(notes: Database, literal: str) -> None:
    _rotate(notes, SUNDAY)
    assert catalog.used_indexes(notes, *WINDOW.query(literal)) == set()


def test_a_later_moment_than_the_index_begins_with_does(notes: Database) -> None:
    _rotate(notes, SUNDAY)
    assert catalog.used_indexes(notes, *WINDOW.query("TIMESTAMPTZ '2026-02-20 10:00+02'")) == {FIRST}


@pytest.mark.parametrize("query", [_of_now, _all])
def test_an_index_that_the_query_does_not_take_is_not_kept(
    notes: Database, query: Callable[[str], Statement]
) -> None:
    window = replace(WINDOW, query=query)  # without a literal, or without the condition
    assert _rotate(notes, SUNDAY, window) == (Outcome.DECLINED, None, [FIRST])
    _rotate(notes, SUNDAY)
    assert _rotate(notes, NEXT, window) == (Outcome.DECLINED, FIRST, [SECOND])
    assert _there(notes) == {FIRST: True}


def test_what_a_broken_build_left_is_cleared_away(notes: Database) -> None:
    for name in (FIRST, SECOND):
        with pytest.raises(Unavailable):  # not unique
            notes.run(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON notes (kind)")
    assert _there(notes) == {FIRST: False, SECOND: False}
    assert _rotate(notes, SUNDAY) == (Outcome.BUILT, FIRST, [FIRST, SECOND])
    assert _there(notes) == {FIRST: True}


class Crash(Exception):
    pass


@pytest.mark.parametrize("step", ["building", "serves", "dropping"])
def test_a_rotation_that_broke_off_is_made_good_by_the_next(notes: Database, step: str) -> None:
    _rotate(notes, SUNDAY)

    def crash(text: str) -> None:
        if step in text:
            raise Crash

    with pytest.raises(Crash):
        _rotate(notes, NEXT, tell=crash)
    assert _plan(notes, SUNDAY) == {FIRST}
    outcome, index, dropped = _rotate(notes, NEXT)
    assert (outcome, index, dropped) == (
        Outcome.BUILT if step == "building" else Outcome.CURRENT,
        SECOND,
        [FIRST],
    )


def test_one_rotation_at_a_time(notes: Database) -> None:
    connections.databases["dbperf_other"] = notes.connection.settings_dict
    other = Database("dbperf_other")
    try:
        assert catalog.take_lock(other)
        with pytest.raises(Busy):
            _rotate(notes, SUNDAY)
        catalog.release_lock(other)
        assert _rotate(notes, SUNDAY)[0] == Outcome.BUILT
        assert catalog.take_lock(other)  # given back
    finally:
        other.connection.close()
        del connections["dbperf_other"], connections.databases["dbperf_other"]


def test_the_session_is_left_as_it_was(notes: Database) -> None:
    def settings() -> list[dict[str, Any]]:
        return notes.rows("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")

    before = settings()
    _rotate(notes, SUNDAY)
    assert settings() == before
