"""Sizes with what may come of them: to programs and on the page."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dbperf.catalog import server
from dbperf.connections import Database
from dbperf.models import RelationDay
from dbperf.services import looking
from tests import factories
from tests.api import Api, read

pytestmark = pytest.mark.django_db
MB = 1024**2


def days(name: str, kind: str, *, number: int, a_day: int, now: int) -> None:
    today = timezone.now().date()
    RelationDay.objects.bulk_create(
        RelationDay(kind=kind, name=name, day=today - timedelta(days=back), size_bytes=now - back * a_day)
        for back in range(1, number + 1)
    )


def told() -> Any:
    looking.keep_hour(database=Database("default"))
    return read(Api(factories.person(is_staff=True)).get("/admin/database/size"))


def test_with_little_history_nothing_is_foretold(settings: Settings) -> None:
    settings.DBPERF = {**settings.DBPERF, "LIMIT_BYTES": 10**12}
    days("public.messages", "table", number=6, a_day=MB, now=40 * MB)
    size = told()
    assert (size["forecast"], size["days_left"], size["limit_bytes"]) == (None, None, 10**12)
    (messages,) = [row for row in size["tables"] if row["name"] == "public.messages"]
    assert (messages["forecast"], messages["grown_days"]) == (None, 6)
    browser = Client()
    browser.force_login(factories.person(is_staff=True, is_superuser=True))
    assert "is told after a week" in browser.get("/admin/dbperf/relationday/").content.decode()


def test_what_a_month_makes_likely(settings: Settings) -> None:
    now = server.database(Database("default"))
    settings.DBPERF = {**settings.DBPERF, "LIMIT_BYTES": now["size_bytes"] + 20 * MB}
    days(now["name"], "whole", number=29, a_day=2 * MB, now=now["size_bytes"])
    largest = told()["tables"][0]["name"]  # which of ours it is, other tests decide
    days(largest, "table", number=29, a_day=1000, now=30_000)
    size = told()
    assert size["forecast"]["watched_days"] == 29
    assert size["forecast"]["bytes_a_day"] == pytest.approx(2 * MB, rel=0.01)
    assert size["forecast"]["in_30_days_bytes"] == pytest.approx(size["database_bytes"] + 60 * MB, rel=0.01)
    left = size["days_left"]
    assert left["soonest"] <= left["likely"] <= left["latest"]
    assert 8 <= left["likely"] <= 11
    (grown,) = [row for row in size["tables"] if row["name"] == largest]
    assert grown["forecast"]["least_a_day"] <= 1000 <= grown["forecast"]["most_a_day"]
    browser = Client()
    browser.force_login(factories.person(is_staff=True, is_superuser=True))
    page = browser.get("/admin/dbperf/relationday/").content.decode()
    assert f"The limit is reached in about {left['likely']} days" in page
    assert "<polyline" in page  # the database over these days


def test_the_whole_database_has_a_line_a_day() -> None:
    looking.keep_hour(database=Database("default"))
    (line,) = RelationDay.objects.filter(kind="whole")
    assert (line.name, line.size_bytes > MB) == (connection.settings_dict["NAME"], True)
