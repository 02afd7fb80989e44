"""`/metrics` of a real server: who may ask, what it tells, and that the pages about it name what there is."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from tests import factories
from tests.realtime.client import Client, token_of
from tests.server import ROOT, Server

TOKEN = "for the tests"
OURS = re.compile(r"\bchat_[a-z_]+")


def samples(server: Server, **headers: str) -> dict[tuple[str, ...], float]:
    """What it tells, by name and the values of its labels."""
    text = httpx.get(f"{server.base_url}/metrics", headers=headers).raise_for_status().text
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_under_their_route(daphne: Server) -> None:
    one = ("chat_http_requests_total", "GET", "api/v1/users/me", "401")
    before = samples(daphne)
    for path in ("users/me", "no/such/thing", "no/other/thing"):
        httpx.get(f"{daphne.base_url}/api/v1/{path}")
    after = samples(daphne)
    assert after[one] == before.get(one, 0) + 1
    routes = {name[2] for name in after if name[0] == "chat_http_requests_total"}
    assert not {route for route in routes if "such" in route}
    assert after["chat_http_request_seconds_count", "api/v1/users/me"] >= 1


def test_sockets_pool_and_dependencies(daphne: Server) -> None:
    ann, ben = factories.person("ann"), factories.person("ben")
    room = factories.direct(ann, ben)
    while (before := samples(daphne))["chat_sockets",]:  # of a test before, not yet gone
        time.sleep(0.05)
    with Client(daphne.ws_url, token=token_of(ann)) as a, Client(daphne.ws_url, token=token_of(ann)) as again:
        a.hear("hello")
        again.hear("hello")
        a.do("send", conversation=room, client_id="1", content="hello")
        again.hear("message.created")
        now = samples(daphne)
    assert (now["chat_sockets",], now["chat_socket_people",]) == (2, 1)
    assert now["chat_deliveries_total",] == before["chat_deliveries_total",] + 2
    assert now["chat_events_heard_total",] == before["chat_events_heard_total",] + 1
    assert 1 <= now["chat_db_pool_size",] <= now["chat_db_pool_max",] == 20
    assert now["chat_dependency_up", "postgresql"] == now["chat_dependency_up", "redis"] == 1
    assert now["chat_tasks_waiting",] >= 0


@pytest.fixture
def guarded(transactional_db: None, static_files: None) -> Iterator[Server]:
    """A server whose metrics take a token."""
    server = Server(database=str(connection.settings_dict["NAME"]), settings={"METRICS_TOKEN": TOKEN})
    server.start()
    yield server
    server.stop()


def test_who_may_ask(daphne: Server, guarded: Server) -> None:
    def status(server: Server, **headers: str) -> int:
        answer = httpx.get(f"{server.base_url}/metrics", headers=headers)
        if not answer.is_success:
            assert answer.json()["status"] == answer.status_code
            assert "chat_" not in answer.text
        return answer.status_code

    assert status(daphne) == 200
    assert status(daphne, **{"X-Forwarded-For": "192.0.2.1"}) == 403
    assert status(guarded) == status(guarded, Authorization="Bearer guess") == 401
    assert status(guarded, Authorization=f"Basic {TOKEN}") == 401
    assert status(guarded, **{"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"}) == 200
    assert httpx.post(f"{daphne.base_url}/metrics").status_code == 405
    assert TOKEN not in guarded.log.read_text()


def test_what_dbperf_saw_is_told(daphne: Server) -> None:
    look = "from dbperf import tasks; tasks.pulse(); tasks.hourly()"
    subprocess.run([sys.executable, "manage.py", "shell", "-c", look], env=daphne.env, cwd=ROOT, check=True)
    now = samples(daphne)
    assert now["chat_db_sessions", "active"] >= 0
    assert 0 <= now["chat_jobs_pulse_age_seconds",] < 60
    assert 0 <= now["chat_db_cache_hit_percent",] <= 100
    assert now["chat_db_findings",] >= 0


def test_pages_rules_and_dashboard_name_what_there_is(daphne: Server) -> None:
    httpx.get(f"{daphne.base_url}/api/v1/users/me")
    there = {name[0] for name in samples(daphne) if name[0].startswith("chat_")}
    there = {re.sub(r"_(bucket|sum|count)$", "", name) for name in there if not name.endswith("_created")}
    page = set(
        re.findall(
            r"^\| `(chat_\w+)`", (ROOT / "docs/how-to/monitor-with-prometheus.md").read_text(), re.MULTILINE
        )
    )
    assert there <= page
    rules = yaml.safe_load((ROOT / "docs/monitoring/alerts.yml").read_text())
    used = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board: dict[str, Any] = json.loads((ROOT / "docs/monitoring/dashboard.json").read_text())
    used += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    named = {re.sub(r"_bucket$", "", name) for text in used for name in OURS.findall(text)}
    assert named <= page
