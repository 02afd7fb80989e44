"""The server as those who run it see it: up, quick, even under many at once, and no larger afterwards."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import httpx
import psutil
import pytest
from django.db import connection

from tests.integration.person import Person
from tests.server import ROOT, Server

AT_ONCE = 20
ROUNDS = 10
GROWTH_MB = 30.0  # more than the pages and pools of a process that has just begun to work


def test_it_is_up_and_reaches_what_it_needs(daphne: Server) -> None:
    began = monotonic()
    told = httpx.get(f"{daphne.base_url}/health").raise_for_status().json()
    assert monotonic() - began < 1
    assert told["dependencies"] == {"postgresql": "ok", "redis": "ok"}


def test_many_at_once(people: dict[str, Person]) -> None:
    ann, ben = people["ann"], people["ben"]
    room = ann.post("conversations", expect=201, type="direct", participant_ids=[ben.id])["id"]
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        said = list(crowd.map(lambda number: ann.say(room, str(number)), range(AT_ONCE)))
        read = list(crowd.map(lambda _: ben.get(f"conversations/{room}/messages"), range(AT_ONCE)))
    assert sorted(one["seq"] for one in said) == list(range(1, AT_ONCE + 1))
    assert {len(page["results"]) for page in read} == {AT_ONCE}


def test_tokens_from_signing_in_to_signing_out(people: dict[str, Person]) -> None:
    ann = people["ann"]
    assert ann.get("users/me")["username"] == ann.name
    ann.post("auth/token/verify", token=ann.access)
    pair = ann.post("auth/token/refresh", refresh=ann.refresh)
    ann.post("auth/token/refresh", expect=401, refresh=ann.refresh)
    ann.post("auth/token/revoke", expect=204, refresh=pair["refresh"])
    ann.post("auth/token/refresh", expect=401, refresh=pair["refresh"])


def test_connections_and_memory_do_not_grow(people: dict[str, Person], daphne: Server) -> None:
    ann, ben = people["ann"], people["ben"]
    room = ann.post("conversations", expect=201, type="direct", participant_ids=[ben.id])["id"]
    assert daphne.process is not None
    process = psutil.Process(daphne.process.pid)

    def work() -> tuple[int, float]:
        with ThreadPoolExecutor(AT_ONCE) as crowd:
            for _ in range(ROUNDS):
                list(crowd.map(lambda number: ann.say(room, str(number)), range(AT_ONCE)))
        return backends(), process.memory_info().rss / 1e6

    before, after = work(), work()
    assert after[0] <= 20  # DB_POOL_MAX
    assert after[1] - before[1] < GROWTH_MB


def backends() -> int:
    """Sessions of the server's pool."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name NOT LIKE 'chatbackend-%%' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("DB_POOL_MAX", "many", "DB_POOL_MAX"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL"),
    ],
)
def test_a_setting_that_cannot_be_is_named(name: str, value: str, told: str) -> None:
    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, name: value, "CHATBACKEND_EMBEDDED": "off"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode != 0
    assert told in started.stderr
