"""What is kept of the past, from real counters."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from dbperf import checks
from dbperf.connections import Database
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import counters, findings, relations, retention, snapshots, statements
from dbperf.models import RelationDay, Snapshot, Statement, StatementUse, StoredFinding
from dbperf.services import looking
from tests.dbperf.faults import run


@pytest.fixture(autouse=True)
def _empty(database: Database) -> None:
    for model in (StatementUse, Statement, Snapshot, RelationDay, StoredFinding):
        model.objects.using(database.alias).all().delete()


def look(database: Database) -> int:
    asked = checks.context(database)
    return statements.record(database, asked.capabilities, store=database.alias, now=timezone.now())


def calls(database: Database, word: str) -> list[int]:
    uses = StatementUse.objects.using(database.alias).filter(statement__text__contains=word)
    return list(uses.order_by("pk").values_list("calls", flat=True))


def test_statements_are_kept_as_deltas(database: Database) -> None:
    run(database, "SELECT 1, 1, 1, 1, 1, 1 AS first_word", "SELECT 1, 1, 1, 1, 1, 1 AS first_word")
    assert look(database) == 0  # what was counted before nobody knows when
    run(database, *["SELECT 1, 1, 1, 1, 1, 1 AS first_word"] * 3, "SELECT 'secret' AS second_word")
    look(database)
    look(database)
    assert (calls(database, "first_word"), calls(database, "second_word")) == ([3], [1])
    kept = Statement.objects.using(database.alias).get(text__contains="second_word")
    assert "secret" not in kept.text


def test_a_reset_by_others_is_noticed(database: Database) -> None:
    run(database, *["SELECT 1, 1, 1, 1, 1, 1, 1, 1 AS third_word"] * 2)
    look(database)
    kept = Snapshot.objects.using(database.alias).get(kind="statements")
    kept.figures["reset"] = "2001-01-01"
    kept.save(using=database.alias)
    run(database, "SELECT 1, 1, 1, 1, 1, 1, 1, 1 AS third_word")
    look(database)
    assert calls(database, "third_word") == [3]


def test_statements_that_were_thrown_out_are_a_gap(database: Database) -> None:
    looking.keep_hour(database=database, store=database.alias)
    kept = Snapshot.objects.using(database.alias).get(kind="statements")
    kept.figures["evictions"] -= 7
    kept.save(using=database.alias)
    told = []
    for _ in range(2):
        looking.keep_hour(database=database, store=database.alias)
        metrics = snapshots.latest("metrics", store=database.alias)
        assert metrics is not None
        told.append(
            [gap["costs"] for gap in metrics.figures["gaps"] if gap["missing"] == "seldom statements"]
        )
    assert [len(gaps) for gaps in told] == [1, 0]
    assert "7 times" in told[0][0]


def test_our_own_statements_are_marked(database: Database) -> None:
    look(database)
    run(database, "SELECT 1, 1, 1, 1, 1, 1, 1, 1, 1 AS fourth_word")
    look(database)
    look(database)
    costly = [
        row["text"] for row in statements.costliest(timedelta(hours=1), store=database.alias, most=1000)
    ]
    assert any("fourth_word" in text for text in costly)
    assert not any("pg_stat" in text or "dbperf_" in text for text in costly)


def test_counters_that_began_anew() -> None:
    assert counters.deltas({"a": [5, 1]}, {"a": [3, 1]}, reset=False) == {"a": [2, 0]}
    assert counters.deltas({"a": [2, 1]}, {"a": [3, 1]}, reset=False) == {
        "a": [2, 1]
    }  # thrown out, then back
    assert counters.deltas({"a": [5, 1], "b": [1, 1]}, {"a": [3, 1]}, reset=True) == {
        "a": [5, 1],
        "b": [1, 1],
    }
    assert counters.deltas({"a": [3, 1]}, {"a": [3, 1]}, reset=False) == {}


def test_a_day_of_a_table_adds_up(database: Database) -> None:
    run(database, "CREATE TABLE day (a int)")
    try:
        line = RelationDay.objects.using(database.alias).filter(name="public.day")
        for rows in (5, 2, 1):
            run(database, f"INSERT INTO day SELECT generate_series(1, {rows})")
            relations.record(database, stats_reset=None, store=database.alias, now=timezone.now())
        assert line.get().writes == 3  # the first look only counts
        relations.record(
            database, stats_reset=None, store=database.alias, now=timezone.now() + timedelta(days=1)
        )
        assert list(line.order_by("day").values_list("writes", flat=True)) == [3, 0]
    finally:
        run(database, "DROP TABLE day")


def fault(subject: str) -> Finding:
    return Finding("blocking", Level.WARNING, subject, "It waits.", Remedy("End it."))


def test_findings_come_and_go(database: Database) -> None:
    store, now = database.alias, timezone.now()
    findings.keep([fault("one"), fault("two")], asked=["blocking"], store=store, now=now)
    findings.keep([fault("two")], asked=["blocking"], store=store, now=now + timedelta(hours=1))
    assert [row.subject for row in findings.current(store=store)] == ["two"]
    assert findings.resolved_since(now, store=store) == ["blocking:one"]
    two = StoredFinding.objects.using(store).get(subject="two")
    assert two.last_seen - two.first_seen == timedelta(hours=1)
    findings.keep([], asked=["settings"], store=store, now=now)  # blocking could not be asked
    assert findings.current(store=store).count() == 1
    findings.keep([fault("one")], asked=["blocking"], store=store, now=now + timedelta(hours=2))
    assert [row.subject for row in findings.current(store=store)] == ["one"]


def test_muted_ones_are_not_shown(database: Database) -> None:
    store, now = database.alias, timezone.now()
    findings.keep([fault("one")], asked=["blocking"], store=store, now=now)
    StoredFinding.objects.using(store).update(muted_until=now + timedelta(hours=1))
    assert not findings.current(store=store).exists()
    StoredFinding.objects.using(store).update(muted_until=now - timedelta(hours=1))
    assert findings.current(store=store).exists()


def test_an_hour(database: Database) -> None:
    looking.keep_pulse(database=database, store=database.alias)
    outcome = looking.keep_hour(database=database, store=database.alias)
    assert outcome.skipped == []
    newest = snapshots.latest_of(["pulse", "metrics", "size"], store=database.alias)
    assert newest["pulse"].figures["connections"] >= 1
    assert newest["metrics"].figures["server"]["version"].startswith(str(database.version))
    assert newest["size"].figures["database_bytes"] > 1_000_000
    stored = {row.key for row in findings.current(store=database.alias)}
    assert stored == {found.key for found in outcome.findings}


def test_only_so_many_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SNAPSHOTS", {"pulse": 3})
    for minute in range(5):
        moment = timezone.now() + timedelta(minutes=minute)
        snapshots.keep("pulse", {"minute": minute}, store=database.alias, now=moment)
    snapshots.keep("metrics", {}, store=database.alias)
    assert retention.prune(store=database.alias) == 2
    assert [
        each.figures["minute"] for each in snapshots.since("pulse", timedelta(days=1), store=database.alias)
    ] == [
        2,
        3,
        4,
    ]


def test_the_budget_of_bytes_holds(database: Database, settings: Settings) -> None:
    for minute in range(40):
        snapshots.keep("pulse", {"pad": "x" * 2000, "minute": minute}, store=database.alias)
    run(database, "ANALYZE dbperf_snapshot")
    settings.DBPERF = {"BUDGET_BYTES": 10**9}
    assert retention.prune(store=database.alias) == 0
    settings.DBPERF = {"BUDGET_BYTES": 1}
    assert retention.prune(store=database.alias) == 10
    kept = snapshots.since("pulse", timedelta(days=1), store=database.alias)
    assert [each.figures["minute"] for each in kept] == list(range(10, 40))
    run(database, "ANALYZE dbperf_snapshot")  # the file is as large as before
    assert retention.prune(store=database.alias) == 0
    snapshots.keep("pulse", {"minute": 41}, store=database.alias)
    assert retention.prune(store=database.alias) == 1
    snapshots.keep("hour", {"pad": ["x" * 2000] * 200}, store=database.alias)
    run(
        database,
        *[
            "INSERT INTO dbperf_snapshot (kind, taken_at, figures) SELECT kind, now(), figures"
            " FROM dbperf_snapshot WHERE kind = 'pulse'"
        ]
        * 3,
        "ANALYZE dbperf_snapshot",
    )
    assert retention.prune(store=database.alias) > 10  # it has grown all the same
    settings.DBPERF = {"BUDGET_BYTES": 10**9}
    retention.prune(store=database.alias)
    assert snapshots.latest(retention.LIMITS, store=database.alias) is None
