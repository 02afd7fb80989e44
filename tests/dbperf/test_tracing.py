"""From a statement to the line of code: what the code wrote, what PostgreSQL counted, and where it came from."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from psycopg import sql

from dbperf import checks, tracing
from dbperf.catalog import statements
from dbperf.connections import Database
from dbperf.fingerprints import fingerprint, plain
from dbperf.history import origins, retention
from dbperf.models import EndpointHour, Origin, OriginHour
from dbperf.services import pages, watching
from dbperf.tracing import Sums, trace, work
from tests import scratch
from tests.dbperf.faults import run

HERE = Path(__file__)


@pytest.fixture
def taken(database: Database) -> Iterator[list[Sums]]:
    """What was handed on, from a connection that is watched."""
    sums: list[Sums] = []
    tracing.start(sums.append, root=HERE.parent)
    database.connection.execute_wrappers.insert(0, trace)
    yield sums
    database.connection.execute_wrappers.remove(trace)
    tracing.flush()
    tracing.stop()
    for model in (Origin, EndpointHour):
        model._default_manager.using(database.alias).all().delete()


def ask(database: Database, statement: str, values: Any = None) -> None:
    """All from one line."""
    with database.connection.cursor() as cursor:
        cursor.execute(statement, values)


LINE = ask.__code__.co_firstlineno + 3


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT a FROM t WHERE b = %s AND c = 'x'", "SELECT a FROM t WHERE b = $1 AND c = $2"),
        ("SELECT a FROM t WHERE b IN (%s, %s, %s) LIMIT 21", "SELECT a FROM t WHERE b IN ($1, $2) LIMIT $3"),
        ("SELECT a FROM t WHERE b IN (%s, %s)", "SELECT a FROM t WHERE b IN ($1 /*, ... */)"),
        ("SELECT * FROM f(%(a)s::uuid, %(b)s::int)", "SELECT * FROM f($1::uuid, $2::int) /* request_id=7 */"),
        ("INSERT INTO t VALUES (%s, %s), (%s, %s)", "INSERT INTO t VALUES ($1, $2)"),
        ("SELECT TRUE, a %% 2\n FROM t WHERE b = -1 -- all", "SELECT $1, a % $2 FROM t WHERE b = $3"),
        ('SELECT "a 1" FROM t2 WHERE x IS NOT NULL', 'SELECT "a 1" FROM t2 WHERE x IS NOT NULL'),
    ],
)
def test_one_fingerprint_for_both_texts(ours: str, theirs: str) -> None:
    assert fingerprint(ours) == fingerprint(theirs)


def test_what_differs_has_another_one_and_no_value_is_left() -> None:
    texts = [
        "SELECT a FROM t",
        "SELECT b FROM t",
        'SELECT "a" FROM t',
        "SELECT a1 FROM t",
        "SELECT a2 FROM t",
    ]
    assert len({fingerprint(text) for text in texts}) == len(texts)
    assert plain("SELECT 'se''cret', $$se cret$$, E'se\\'cret', 4711, 1.5e3") == "SELECT ?, ?, ?, ?, ?"


def test_what_postgresql_counted_is_found_again(database: Database, taken: list[Sums]) -> None:
    """Also where one statement of ours is several of PostgreSQL's: by the size of the integers that are bound."""
    run(database, "CREATE TABLE IF NOT EXISTS pets (id uuid, name text, age int)")
    asked = "SELECT %(age)s::bigint AS age_asked, name FROM pets WHERE id = %(id)s::uuid LIMIT 3"
    with work("http", "GET /pets"):
        for age in (5, 70_000, 5_000_000_000):
            ask(database, asked, {"age": age, "id": uuid4()})
        ask(database, "SELECT name FROM pets WHERE age = ANY (%s::int[])", [[1, 2]])
    tracing.flush()
    origins.keep(taken[0], store=database.alias, release="1.2")
    capabilities = checks.context(database).capabilities
    rows = statements.counters(database, capabilities)
    texts = statements.texts(database, capabilities, [row["queryid"] for row in rows])
    counted = [text for text in texts.values() if "age_asked" in text]
    assert len(counted) == 3
    (place,) = origins.of(
        {fingerprint(text) for text in counted}, pages.SPANS["hour"][0], store=database.alias
    )[fingerprint(asked)]
    assert (place["place"], place["name"], place["calls_sum"], place["release"]) == (
        f"{HERE.name}:{LINE}", "GET /pets", 3, "1.2",
    )  # fmt: skip
    run(database, "DROP TABLE pets")


def test_a_loop_is_seen_and_the_time_of_each_work(database: Database, taken: list[Sums]) -> None:
    for times in (2, 12):
        with work("http") as request:
            for _ in range(times):
                ask(database, "SELECT %s::int", [times])
            request.name = "GET /loop"
    tracing.flush()
    origins.keep(taken[0], store=database.alias)
    origins.keep(taken[0], store=database.alias)  # another process, the same hour
    (row,) = origins.repeating(pages.SPANS["hour"][0], works=1, store=database.alias)
    assert (row["calls_sum"], row["works_sum"], row["repeated_sum"], row["most_in_one"]) == (28, 4, 2, 12)
    (endpoint,) = pages.endpoints("hour", store=database.alias)["endpoints"]
    assert (endpoint["works"], endpoint["calls_a_work"]) == (4, 7.0)
    assert 0 < endpoint["database_pct"] <= 100


def test_outside_of_work_nothing_is_counted(database: Database, taken: list[Sums]) -> None:
    ask(database, "SELECT 1")
    tracing.flush()
    assert taken == []


def test_failures_count_and_go_on_to_whoever_asked(database: Database, taken: list[Sums]) -> None:
    with pytest.raises(Exception, match="no_such"), work("http", "GET /"):
        ask(database, "SELECT * FROM no_such")
    tracing.flush()
    assert taken[0].works["http", "GET /"][3] == 1


def test_memory_is_bounded(database: Database, taken: list[Sums]) -> None:
    sums = Sums()
    for number in range(tracing.MOST_KEPT + 10):
        done = tracing.Work("http", f"GET /{number}")
        for column in range(3):
            done.add(sql.SQL("SELECT {}").format(sql.Identifier(f"c{column}")), 0.0)
        sums.add(done, 0.0)
    assert (len(sums.places), len(sums.works)) == (tracing.MOST_KEPT, tracing.MOST_KEPT)
    assert sums.dropped > 0
    many = tracing.Work("http", "GET /")
    for number in range(tracing.MOST_IN_WORK + 10):
        many.add(f"SELECT c{number}", 0.0)
    assert len(many.seen) == tracing.MOST_IN_WORK


def test_a_store_that_is_away_loses_figures_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with scratch.registered("away", {**database.connection.settings_dict, "HOST": "127.0.0.1", "PORT": "1"}):
        monkeypatch.setattr(watching, "DEFAULT", "away")
        watching._keep(Sums())
    assert "are lost" in caplog.text


def test_one_thread_takes_the_figures_away(taken: list[Sums]) -> None:
    for _ in range(3):
        with work("http", "GET /"):
            pass
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "dbperf-tracing"] == [True]


def test_lines_that_run_nothing_any_more_are_forgotten(database: Database, taken: list[Sums]) -> None:
    with work("http", "GET /"):
        ask(database, "SELECT 1")
    tracing.flush()
    origins.keep(taken[0], store=database.alias)
    retention.prune(store=database.alias)
    assert Origin.objects.using(database.alias).count() == 1
    OriginHour.objects.using(database.alias).all().delete()
    retention.prune(store=database.alias)
    assert Origin.objects.using(database.alias).count() == 0
    assert connections[database.alias].execute_wrappers.count(trace) == 1
