"""Alerts in the admin and on a terminal: seen and muted by those who may."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from conversations.models import User
from dbperf import checks
from dbperf.findings import Finding, Level, Remedy
from dbperf.models import Alert
from dbperf.services import alerting, alerts

pytestmark = pytest.mark.django_db
PAGE = "/admin/dbperf/alert/"


def browser(*permissions: str, superuser: bool = False) -> Client:
    user = User.objects.create_user("somebody", "x", is_staff=True, is_superuser=superuser)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def look(*levels: Level, times: int = 2) -> None:
    found = [
        Finding(
            "blocking", level, f"pid {number}", f"<b>{number}</b> waits.", Remedy("End it.", "SELECT '<i>';")
        )
        for number, level in enumerate(levels)
    ]
    for _ in range(times):
        alerting.heed(checks.Outcome(found), asked=["blocking"])


def shown(client: Client) -> str:
    reply = client.get(PAGE)
    assert reply.status_code == 200
    return reply.content.decode()


def test_without_any() -> None:
    page = shown(browser(superuser=True))
    assert "Nothing that lasts." in page
    assert "Nothing yet that was and went." in page
    assert "neither mail nor a webhook" in page
    assert "Muted" not in page


def test_what_is_shown(settings: Settings) -> None:
    settings.DBPERF = {"ALERTS": {"MAILS": ["ann@example.org"]}}
    look(Level.WARNING, Level.CRITICAL, Level.WARNING)
    look(Level.WARNING, Level.CRITICAL, times=3)
    page = shown(browser(superuser=True))
    assert "&lt;b&gt;1&lt;/b&gt; waits." in page
    assert "SELECT &#x27;&lt;i&gt;&#x27;;" in page
    assert "<b>" not in page
    places = [page.index(f"&lt;b&gt;{number}&lt;/b&gt;") for number in (1, 0, 2)]
    assert places == sorted(places)  # the worst first, what is over last
    assert page.index("<h2>Over</h2>") < places[2]
    assert "resolved by mail: on its way." in page


def test_live_only_where_there_is_a_socket(settings: Settings) -> None:
    client = browser(superuser=True)
    assert 'data-live="/ws/staff/alerts"' in shown(client)
    settings.DBPERF = {}
    page = shown(client)
    assert "data-live" not in page
    assert "alerts.js" not in page


def test_few_statements(settings: Settings) -> None:
    settings.DBPERF = {"ALERTS": {"MAILS": ["ann@example.org"]}}
    client = browser(superuser=True)
    look(*[Level.WARNING] * 60)
    look(*[Level.WARNING] * 30, times=3)
    rows = Alert.objects.exclude(level="").order_by("pk")[:10]
    for row in rows:
        alerts.mute(row.pk, by="ann", reason="known", lasting=timedelta(days=1))
    with CaptureQueriesContext(connection) as asked:
        page = shown(client)
    assert len(asked) <= 10
    assert page.count("<article") == 30
    assert page.count("Muted by ann") == 10


def test_who_may_look_and_who_may_mute() -> None:
    look(Level.WARNING)
    form = {"alert": Alert.objects.get().pk, "act": "mute", "lasting": "day", "reason": "known"}
    assert Client().post(PAGE, form).status_code == 302
    for permissions, seen in ((("view_dashboard", "mute_alert"), 403), (("view_metrics",), 200)):
        client = named(*permissions)
        assert client.get(PAGE).status_code == seen
        assert client.post(PAGE, form).status_code == 403
        assert Alert.objects.get().muted_until is None
    assert 'name="reason"' not in shown(named("view_metrics"))
    muter = named("view_metrics", "mute_alert")
    assert 'name="reason"' in shown(muter)
    assert muter.post(PAGE, form).status_code == 302
    assert Alert.objects.get().muted_until is not None


def named(*permissions: str) -> Client:
    User.objects.filter(username="somebody").delete()
    return browser(*permissions)


def test_muting() -> None:
    look(Level.CRITICAL)
    client, row = browser(superuser=True), Alert.objects.get()
    form = {"alert": row.pk, "act": "mute", "lasting": "week", "reason": "<planned>"}
    assert client.post(PAGE, form).status_code == 302
    row.refresh_from_db()
    assert (row.muted_by, row.mute_reason) == ("somebody", "<planned>")
    assert row.muted_until is not None
    assert abs(row.muted_until - timezone.now() - timedelta(weeks=1)) < timedelta(minutes=1)
    page = shown(client)
    assert "Muted by somebody until" in page
    assert "&lt;planned&gt;" in page
    assert "Nothing that lasts." in page
    assert client.post(PAGE, {"alert": row.pk, "act": "unmute"}).status_code == 302
    assert "Muted by" not in shown(client)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": ""},
        {"reason": "x" * 201},
        {"reason": "\0"},
        {"lasting": ""},
        {"lasting": "ever"},
        {"act": "drop"},
        {"alert": "x"},
        {"alert": str(2**63)},
        {"alert": "-1"},
    ],
)
def test_what_is_no_order_changes_nothing(change: dict[str, str]) -> None:
    look(Level.WARNING)
    form: dict[str, Any] = {
        "alert": Alert.objects.get().pk,
        "act": "mute",
        "lasting": "day",
        "reason": "known",
    }
    assert browser(superuser=True).post(PAGE, form | change).status_code == 200
    assert Alert.objects.get().muted_until is None


def test_one_that_is_not_there() -> None:
    client = browser(superuser=True)
    reply = client.post(PAGE, {"alert": 77, "act": "unmute"}, follow=True)
    assert "nothing to do any more" in reply.content.decode()


def told(*arguments: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("db_alerts", *arguments, stdout=output)
    except SystemExit as ended:
        return int(str(ended.code)), output.getvalue()
    return 0, output.getvalue()


def test_on_a_terminal() -> None:
    assert told() == (0, "No alerts.\n")
    assert json.loads(told("--json")[1]) == []
    look(Level.WARNING, Level.WARNING)
    look(Level.WARNING, times=3)
    assert told()[0] == 0
    code, text = told("--fail-on", "warning")
    assert (code, text.count("\n")) == (2, 1)
    assert text.startswith("warning  blocking: <b>0</b> waits.")
    assert [row["subject"] for row in json.loads(told("--json", "--past")[1])] == ["pid 0", "pid 1"]
    row = Alert.objects.exclude(level="").get()
    alerts.mute(row.pk, by="ann", reason="known", lasting=timedelta(days=1))
    code, text = told("--fail-on", "warning", "--json")
    assert code == 0
    assert json.loads(text)[0]["muted"]["reason"] == "known"
    assert "muted by ann until" in told()[1]
