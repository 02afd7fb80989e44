"""What the watching itself takes: few statements, known as our own, and no more room than it may."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatbackend.benchmark.monitor import cost, year
from dbperf import checks
from dbperf.catalog import statements as catalog
from dbperf.connections import Database
from dbperf.history import retention, statements
from dbperf.models import Origin, OriginHour, RelationDay, Statement, StatementUse
from dbperf.services import looking, telling
from tests.dbperf.faults import run

# What any session says, whoever it is.
HOUSEKEEPING = re.compile(r"(begin|commit|savepoint|release|rollback|set|reset|deallocate)\b", re.IGNORECASE)
SHARE = 0.05  # of a year


def counted(database: Database) -> dict[int, int]:
    asked = checks.context(database).capabilities
    return {row["queryid"]: row["calls"] for row in catalog.counters(database, asked) if row["toplevel"]}


def test_what_we_ask_is_known_as_ours(database: Database) -> None:
    """Or our own share would look smaller than it is, and our statements would be shown among the project's."""
    cost.pulse(database)
    cost.hour(database)  # makes what the first look makes
    before = counted(database)
    cost.pulse(database)
    cost.hour(database)
    asked = [queryid for queryid, calls in counted(database).items() if calls > before.get(queryid, 0)]
    texts = catalog.texts(database, checks.context(database).capabilities, asked)
    strangers = [text for text in texts.values() if not catalog.is_own(text) and not HOUSEKEEPING.match(text)]
    assert len(texts) > 30
    assert strangers == []


def test_it_takes_few_statements_however_many_tables(faulty: Database) -> None:
    cost.hour(faulty)

    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(faulty.connection) as pulse:
            cost.pulse(faulty)
        with CaptureQueriesContext(faulty.connection) as hour:
            cost.hour(faulty)
        return len(pulse), len(hour)

    few = asked()
    run(faulty, *(f"CREATE TABLE t{n} (id int PRIMARY KEY, a int REFERENCES t0)" for n in range(30)))
    many = asked()
    assert many[0] == few[0] <= 25
    assert many[1] < few[1] + 15  # some are of statements that were costly
    assert few[1] <= 150


@pytest.mark.django_db
def test_its_share_of_the_time_is_told() -> None:
    now = timezone.now()
    figures = {"taken_at": now, "window_s": 3600, **dict.fromkeys(statements.FIELDS, 0)}
    for queryid, (own, toplevel, ms) in enumerate(
        [(True, True, 30.0), (False, True, 970.0), (False, False, 960.0), (True, False, 25.0)]
    ):
        made = {"userid": 1, "dbid": 1, "text": "x", "first_seen": now}
        one = Statement.objects.create(queryid=queryid, toplevel=toplevel, own=own, **made)
        StatementUse.objects.create(**figures | {"statement": one, "calls": 1, "total_ms": ms})
    took = statements.own_time(timedelta(days=1), store="default")
    assert took == {"own_ms": 30.0, "all_ms": 1000.0, "window_s": 3600.0}
    looking.keep_hour(database=Database("default"))
    told = telling.metrics()["monitor"]
    assert (told["time_share_pct"], told["time_ms"], told["time_window_s"]) == (3.0, 30.0, 3600)


def _was_seen_lately() -> None:
    now = timezone.now()
    origin = Origin.objects.create(
        fingerprint="real", kind="request", name="GET /real", place="x.py:1", first_seen=now
    )
    hour, figures = (
        now.replace(minute=0, second=0, microsecond=0),
        dict.fromkeys(("calls", "works", "repeated", "most"), 1),
    )
    OriginHour.objects.bulk_create(
        OriginHour(origin=origin, hour=hour - timedelta(hours=ago), total_ms=1, **figures) for ago in range(3)
    )


@pytest.mark.django_db
def test_a_year_of_it_has_room_in_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth of the rows in a twentieth of the room, so that it takes a second: rows are of the same size."""
    scaled = {name: round(SHARE * most) for name, most in retention.SNAPSHOTS.items()}
    most = {model: round(SHARE * rows) for model, rows in retention.MOST.items()}
    cost.pulse(Database("default"))
    looking.keep_hour(database=Database("default"))
    _was_seen_lately()
    year.fill(share=SHARE)
    monkeypatch.setattr(retention, "SNAPSHOTS", scaled)
    monkeypatch.setattr(retention, "MOST", most)
    monkeypatch.setattr(retention, "MOST_ALERTS", round(SHARE * retention.MOST_ALERTS))
    monkeypatch.setattr(retention, "BUDGET_BYTES", round(SHARE * retention.BUDGET_BYTES))
    assert retention.prune(store="default") > 0
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(sorted(retention.ours()))}")
    assert retention.own_bytes(store="default") <= retention.NEARLY * retention.budget_bytes()
    assert retention.prune(store="default") == 0  # it is the numbers that hold it, and not the emergency
    for model in (StatementUse, RelationDay, OriginHour):
        assert model._default_manager.count() == most[model]
