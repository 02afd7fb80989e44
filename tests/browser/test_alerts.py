"""The staff's page of alerts, in front of somebody: it changes by itself, and leaves what is being written."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from conversations.models import User
from dbperf import checks
from dbperf.findings import Finding, Level, Remedy
from dbperf.services import alerting
from tests.server import Server


@pytest.fixture
def page(chromium: Browser, daphne: Server) -> Iterator[Page]:
    """Somebody who may see and mute alerts, in front of the page."""
    user = User.objects.create_user("the-admin", "x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_metrics", "mute_alert"]))
    client = Client()
    client.force_login(user)
    context = chromium.new_context()
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": daphne.base_url}])
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{daphne.base_url}/admin/dbperf/alert/")
    page.evaluate("window.unchanged = true")
    expect(page.get_by_text("Live.", exact=True)).to_be_visible()
    yield page
    assert page.evaluate("window.unchanged")
    context.close()
    assert complaints == []


def _complaint(message: ConsoleMessage) -> list[str]:
    """The admin has no icon."""
    real = message.type == "error" and not message.location["url"].endswith("/favicon.ico")
    return [f"{message.text} {message.location['url']}"] if real else []


def look(*subjects: str, times: int = 2) -> None:
    """In another process than the server's."""
    found = [
        Finding("blocking", Level.CRITICAL, name, f"{name} waits.", Remedy("End it.")) for name in subjects
    ]
    for _ in range(times):
        alerting.heed(checks.Outcome(found), asked=["blocking"])


def test_alerts_come_and_go_before_ones_eyes(page: Page) -> None:
    expect(page.get_by_text("Nothing that lasts.")).to_be_visible()
    look("pid 1")
    alert = page.locator("article.critical")
    expect(alert).to_contain_text("pid 1 waits.")
    look(times=3)
    expect(page.locator("#alerts table")).to_contain_text("pid 1 waits.")
    expect(alert).to_have_count(0)


def test_what_is_being_written_stays(page: Page) -> None:
    look("pid 1")
    reason = page.get_by_label("because")
    reason.fill("planned")
    look("pid 1", "pid 2")
    expect(page.get_by_text("There is news.")).to_be_visible()
    expect(reason).to_have_value("planned")
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("Muted by the-admin until")).to_be_visible()
    expect(page.get_by_text("pid 2 waits.")).to_be_visible()
    page.evaluate("window.unchanged = true")  # sending the form loads the page


def test_who_may_no_longer_is_told(page: Page) -> None:
    User.objects.get().user_permissions.clear()
    look("pid 1")
    expect(page.get_by_text("Not live any more")).to_be_visible()
    expect(page.get_by_text("pid 1 waits.")).to_have_count(0)
