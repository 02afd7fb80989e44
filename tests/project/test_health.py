from datetime import timedelta

import httpx
import pytest
from django.db import connection
from pytest_django import Settings

from chatbackend import health
from dbperf.connections import Database
from dbperf.models import Snapshot
from dbperf.services import looking
from tests.server import Server
from tests.services import nowhere


def test_health_of_a_running_server(daphne: Server) -> None:
    answer = httpx.get(f"{daphne.base_url}/health")
    assert answer.status_code == 200
    assert answer.json()["dependencies"] == {"postgresql": "ok", "redis": "ok"}
    assert answer.headers["X-Request-ID"]
    assert httpx.get(f"{daphne.base_url}/health/live").json() == {"status": "ok"}
    assert httpx.get(f"{daphne.base_url}/health/ready").json() == {"status": "ok"}


def test_unknown_address_under_health_is_a_problem(daphne: Server) -> None:
    answer = httpx.get(f"{daphne.base_url}/health/nope")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_schema_and_docs(daphne: Server) -> None:
    assert httpx.get(f"{daphne.base_url}/api/schema").json()["openapi"].startswith("3.1")
    page = httpx.get(f"{daphne.base_url}/api/docs")
    assert page.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_whether_jobs_are_done(settings: Settings) -> None:
    settings.DATABASE_URL = f"{settings.DATABASE_URL.rsplit('/', 1)[0]}/{connection.settings_dict['NAME']}"
    assert health.ask_jobs() == "never"
    looking.keep_pulse(database=Database("default"))
    assert health.ask_jobs() == "ok"
    kept = Snapshot.objects.get(kind="pulse")
    for seconds, told in ((140, "ok"), (160, "late")):
        Snapshot.objects.filter(pk=kept.pk).update(taken_at=kept.taken_at - timedelta(seconds=seconds))
        assert health.ask_jobs() == told
    settings.DATABASE_URL = nowhere()["DATABASE_URL"]
    assert health.ask_jobs() == "unknown"


def test_it_says_so(daphne: Server) -> None:
    assert httpx.get(f"{daphne.base_url}/health").json()["jobs"] == "never"
    assert "jobs" not in httpx.get(f"{daphne.base_url}/health/ready").json()
