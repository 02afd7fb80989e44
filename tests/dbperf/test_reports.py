"""The week's report: out of what was kept, kept itself, and readable by those who may."""

from datetime import timedelta
from typing import Any
from zlib import crc32

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import User
from dbperf.connections import Database
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import findings, snapshots
from dbperf.models import Alert, RelationDay, Snapshot, Statement, StatementUse
from dbperf.services import reporting

pytestmark = pytest.mark.django_db
PAGE = "/admin/dbperf/report/"
NOW = timezone.now()


def use(text: str, *, calls: int, mean_ms: float, days_ago: float) -> None:
    statement, _ = Statement.objects.get_or_create(
        queryid=crc32(text.encode()),
        userid=1,
        dbid=1,
        toplevel=True,
        defaults={"text": text, "first_seen": NOW},
    )
    rest = dict.fromkeys(("rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes"), 0)
    StatementUse.objects.create(
        statement=statement,
        taken_at=NOW - timedelta(days=days_ago),
        window_s=3600,
        calls=calls,
        total_ms=calls * mean_ms,
        **rest,
    )


def report() -> dict[str, Any]:
    reporting.keep_week(database=Database("default"))
    kept = snapshots.latest(reporting.KIND, store="default")
    assert kept is not None
    figures: dict[str, Any] = kept.figures
    return figures


def test_what_took_the_time_and_what_got_slower() -> None:
    for text, before, now in (
        ("SELECT lagging", 2.0, 8.0),
        ("SELECT steady", 9.0, 9.0),
        ("SELECT better", 5.0, 1.0),
    ):
        use(text, calls=1000, mean_ms=before, days_ago=10)
        use(text, calls=1000, mean_ms=now, days_ago=3)
    use("SELECT rare", calls=10, mean_ms=1.0, days_ago=10)
    use("SELECT rare", calls=10, mean_ms=80.0, days_ago=3)
    use("SELECT tiny", calls=1000, mean_ms=0.01, days_ago=10)
    use("SELECT tiny", calls=1000, mean_ms=0.9, days_ago=3)
    use("SELECT long ago", calls=1000, mean_ms=99.0, days_ago=8)
    use("SELECT worse", calls=100, mean_ms=1.0, days_ago=10)
    use("SELECT worse", calls=100, mean_ms=30.0, days_ago=3)
    found = report()
    costly = ["steady", "lagging", "worse", "better", "tiny", "rare"]
    assert [row["text"] for row in found["statements"]] == [f"SELECT {name}" for name in costly]
    slower = [(row["text"], row["before_ms"], row["mean_ms"], row["cost_s"]) for row in found["slower"]]
    assert slower == [("SELECT lagging", 2.0, 8.0, 6.0), ("SELECT worse", 1.0, 30.0, 2.9)]


def test_growth_and_indexes_and_alerts() -> None:
    week = NOW - timedelta(days=6)
    snapshots.keep("size", {"database_bytes": 1000}, store="default", now=week)
    for days, size in ((8, 5), (1, 7)):
        snapshots.keep("size", {"database_bytes": size}, store="default", now=NOW - timedelta(days=days))
    RelationDay.objects.create(kind="table", name="public.users", day=week.date(), size_bytes=-8192)
    double = Finding("duplicate_index", Level.WARNING, "a", "a is b.", Remedy("Drop.", "DROP INDEX a;"))
    findings.keep([double], asked=["duplicate_index"], store="default", now=NOW)
    fixed = {"check_name": "blocking", "detail": "It waits.", "first_seen": week, "last_seen": week}
    Alert.objects.create(key="within", fired_at=week, resolved_at=week, **fixed)
    Alert.objects.create(key="stands", fired_at=NOW - timedelta(days=30), level="critical", **fixed)
    Alert.objects.create(
        key="before", fired_at=NOW - timedelta(days=9), resolved_at=NOW - timedelta(days=8), **fixed
    )
    Alert.objects.create(key="on its way", run=1, **fixed)
    shown = reporting._found(NOW, store="default")  # the look of `report` finds no such index
    assert shown["indexes"] == [{"detail": "a is b.", "sql": "DROP INDEX a;"}]
    assert shown["new"] == ["duplicate_index:a"]
    found = report()
    assert found["resolved"] == ["duplicate_index:a"]
    assert found["size"]["grown_bytes"] == found["size"]["database_bytes"] - 1000
    (users,) = [row for row in found["size"]["tables"] if row["name"] == "public.users"]
    assert users["grown_bytes"] >= 8192
    assert users["grown_days"] == 6
    assert [row["key"] for row in found["alerts"]] == ["within", "stands"]


def browser(*permissions: str) -> Client:
    user = User.objects.create_user("somebody", "x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_the_page() -> None:
    client = browser("view_metrics", "view_query_text")
    assert "There is none yet" in client.get(PAGE).content.decode()
    use("SELECT <b>lagging</b>", calls=1000, mean_ms=2.0, days_ago=10)
    report()
    use("SELECT <b>lagging</b>", calls=1000, mean_ms=8.0, days_ago=3)
    report()
    older, newer = Snapshot.objects.filter(kind=reporting.KIND).order_by("pk")
    with CaptureQueriesContext(connection) as asked:
        page = client.get(PAGE).content.decode()
    assert len(asked) <= 10
    assert "SELECT &lt;b&gt;lagging&lt;/b&gt;" in page
    assert "<b>lagging" not in page
    assert f'href="?report={older.pk}"' in page
    assert "No statement was counted." in client.get(f"{PAGE}?report={older.pk}").content.decode()
    for odd in ("x", "9" * 30, str(newer.pk + 99), "-1", "²"):
        assert "lagging" in client.get(PAGE, {"report": odd}).content.decode()


def test_who_may_look() -> None:
    assert Client().get(PAGE).status_code == 302
    assert browser("view_dashboard").get(PAGE).status_code == 403
