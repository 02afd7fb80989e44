"""Requests, ops and tasks of the real project, down to the line that asks; and that it can be turned off."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from chatbackend.watched import _task_begins, _task_ended, op
from conversations.models import User
from conversations.queries import presence
from conversations.tasks import purge_expired
from dbperf import tracing
from dbperf.services import watching
from dbperf.tracing import Sums
from messaging.consumers import work
from tests.api import Api, problem, read
from tests.server import ROOT


@pytest.fixture
def taken() -> Iterator[list[Sums]]:
    """What this process counted."""
    sums: list[Sums] = []
    root, plumbing = Path(settings.BASE_DIR), tuple(settings.DBPERF["PLUMBING"])
    tracing.start(sums.append, root=root, plumbing=plumbing)
    watching._watch(connection)  # the tests' connection is open already
    yield sums
    tracing.flush()
    tracing.stop()
    connection.execute_wrappers.remove(tracing.trace)


@pytest.fixture
def reader(db: None) -> Api:
    return Api(User.objects.create_user("reader", "x"))


def places(sums: Sums) -> set[tuple[str, str, str]]:
    """Kind, name, file."""
    return {(kind, name, file) for kind, name, (_, file, _) in sums.places}


def test_a_request_is_known_by_its_pattern(reader: Api, taken: list[Sums]) -> None:
    read(reader.get("/conversations"))
    problem(reader.get(f"/conversations/{uuid4()}"), 404)
    reader.http.get("/nowhere/at/all")
    reader.http.generic("BREW", "/health")
    tracing.flush()
    (sums,) = taken
    assert sums.works.keys() == {
        ("http", "GET /api/v1/conversations"),
        ("http", "GET /api/v1/conversations/<id:conversation_id>"),
        ("http", "GET outside of all addresses"),
        ("http", "another method /health"),
    }
    asked = {file for _, name, file in places(sums) if name == "GET /api/v1/conversations"}
    assert "conversations/queries/inbox.py" in asked
    assert not any(file.startswith("chatbackend/") or file.endswith("routine.py") for file in asked)


def test_statements_are_as_the_code_has_them(reader: Api, taken: list[Sums]) -> None:
    """Without the id of the request, which would make each another one."""
    for _ in range(2):
        read(reader.get("/conversations"))
    tracing.flush()
    (sums,) = taken
    times = {figures[0] for (_, name, _), figures in sums.places.items() if name.endswith("/conversations")}
    assert times == {2}
    assert not any("request_id" in sql for _, _, (sql, _, _) in sums.places)


@pytest.mark.django_db
def test_a_task_is_known_by_its_name(taken: list[Sums]) -> None:
    before = User.objects.count()
    _task_begins("1", purge_expired)
    assert User.objects.count() == before
    _task_ended("1")
    User.objects.count()  # belongs to nothing
    tracing.flush()
    assert taken[0].works["task", "conversations.tasks.purge_expired"][3] == 1


@pytest.mark.django_db(transaction=True)
async def test_an_op_is_known_by_its_name(taken: list[Sums]) -> None:
    work.watched_by(op)
    try:
        await work.run(presence.bury)
    finally:
        work.watched_by(nullcontext)
    tracing.flush()
    assert [(kind, name) for kind, name in taken[0].works] == [("socket", "bury")]


def test_it_is_on_in_servers_and_can_be_turned_off() -> None:
    assert [_watched(**env) for env in ({}, {"CHATBACKEND_PROCESS": "web"})] == [False, True]
    assert not _watched(CHATBACKEND_PROCESS="web", DB_TRACE="off")


def _watched(**env: str) -> bool:
    """Whether a process of this environment watches."""
    asked = "import django; django.setup(); from dbperf import tracing; print(tracing._sink is not None)"
    names = {**os.environ, "DJANGO_SETTINGS_MODULE": "chatbackend.settings", **env}
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=names, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == "True"
