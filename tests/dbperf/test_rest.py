"""The staff's addresses: what they tell, out of what, and at what cost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dbperf.connections import Database
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import findings
from dbperf.services import looking
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db
PATHS = ["/admin/database/metrics", "/admin/database/size", "/admin/database/index-suggestions"]


@pytest.fixture
def staff() -> Api:
    return Api(factories.person(is_staff=True))


def looked() -> None:
    """By way of the connection of the tests, into their transaction."""
    here = Database("default")
    looking.keep_pulse(database=here)
    looking.keep_hour(database=here)


def test_before_anybody_looked(staff: Api) -> None:
    metrics = read(staff.get(PATHS[0]))
    assert (metrics["as_of"], metrics["sessions"], metrics["findings"]) == (None, None, [])
    size = read(staff.get(PATHS[1]))
    assert (size["as_of"], size["database_bytes"], size["forecast"], size["tables"]) == (None, None, None, [])
    assert read(staff.get(PATHS[2])) == {"as_of": None, "results": []}


def test_what_was_seen(staff: Api) -> None:
    looked()
    metrics = read(staff.get(PATHS[0]))
    assert metrics["sessions"]["connections"] >= 1
    assert metrics["server"]["database"] == connection.settings_dict["NAME"]
    assert metrics["monitor"]["budget_bytes"] == 256 * 1024 * 1024
    assert {"fsync", "full_page_writes"} <= {found["subject"] for found in metrics["findings"]}
    size = read(staff.get(PATHS[1]))
    assert size["database_bytes"] > 1_000_000
    assert "public.messages" in {table["name"] for table in size["tables"]}


def test_asking_looks_at_no_catalog(staff: Api) -> None:
    looked()
    for path in PATHS:
        with CaptureQueriesContext(connection) as asked:
            read(staff.get(path))
        assert len(asked) <= 5, path  # the account, what it may read, and what is kept
        assert not any("pg_" in query["sql"] for query in asked.captured_queries), path


def test_suggestions_of_one_kind(staff: Api) -> None:
    for check in ("unused_index", "duplicate_index"):
        found = Finding(
            check, Level.WARNING, "public.i", "It is.", Remedy("Drop it.", "DROP INDEX i;"), {"scans": 0}
        )
        findings.keep([found], asked=[check], store="default", now=timezone.now())
    (one,) = read(staff.get(PATHS[2], kind="unused"))["results"]
    assert (one["kind"], one["sql"], one["evidence"]) == ("unused", "DROP INDEX i;", {"scans": 0})
    assert len(read(staff.get(PATHS[2]))["results"]) == 2
    problem(staff.get(PATHS[2], kind="no-such-kind"), 400)


def test_the_cookie_of_the_admin_will_do() -> None:
    browser = Client()
    browser.force_login(factories.person(is_staff=True))
    assert browser.get(PATHS[0]).status_code == 200
    other = Client()
    other.force_login(factories.person())
    problem(other.get(PATHS[0]), 403)
    problem(Client().get(PATHS[0]), 401)
