"""Maintenance over REST and by command."""

import io
import json
from collections.abc import Callable

import httpx
import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client

from chatbackend.embedded.processes import free_port
from conversations.models import User
from dbperf import tasks
from dbperf.aliases import MAINTENANCE
from dbperf.catalog import upkeep
from dbperf.connections import Database
from dbperf.management.commands import db_maintain
from dbperf.models import MaintenanceRun
from tests import factories
from tests.api import Api, problem, read
from tests.dbperf.faults import session
from tests.realtime.client import token_of
from tests.server import Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", MAINTENANCE])
PATH = "/admin/database/optimize"


@pytest.fixture
def keeper() -> User:
    """Staff who may run maintenance."""
    user = factories.person("keeper", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="run_maintenance"))
    return user


def test_a_round_from_asking_to_its_result(keeper: User) -> None:
    api = Api(keeper)
    asked = api.post(PATH, {"operation": "vacuum_analyze", "tables": ["messages"]})
    job = read(asked, 202)
    assert asked["Location"] == f"{PATH}/{job['job']}"
    assert (job["state"], job["asked_by"], job["results"]) == ("queued", keeper.username, [])
    problem(api.post(PATH, {"operation": "analyze"}), 409)
    tasks.maintain(job["job"])
    done = read(api.get(asked["Location"]))
    assert done["state"] == "done"
    assert [(each["table"], each["outcome"]) for each in done["results"]] == [("public.messages", "done")]


def test_one_that_was_not_begun_is_cancelled_at_once(keeper: User) -> None:
    api = Api(keeper)
    job = read(api.post(PATH, {"operation": "analyze"}), 202)
    assert read(api.delete(f"{PATH}/{job['job']}"), 202)["state"] == "cancelled"
    tasks.maintain(job["job"])
    assert MaintenanceRun.objects.get().results == []


def test_without_redis_nothing_is_begun(keeper: User, static_files: None) -> None:
    away = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    server = Server(database=str(connection.settings_dict["NAME"]), settings=away)
    server.start()
    try:
        refused = httpx.post(
            f"{server.base_url}{PATH}",
            json={"operation": "analyze"},
            headers={"Authorization": f"Bearer {token_of(keeper)}"},
            timeout=60,
        )
    finally:
        server.stop()
    assert (refused.status_code, refused.json()["code"]) == (503, "queue_unavailable")
    assert refused.headers["Retry-After"] == "5"
    assert MaintenanceRun.objects.get().state == "cancelled"


def test_what_is_refused_begins_nothing(keeper: User) -> None:
    api, staff = Api(keeper), Api(factories.person(is_staff=True))
    for body in ({}, {"operation": "full"}, {"operation": "analyze", "tables": ["nope"]}):
        problem(api.post(PATH, body), 400)
    problem(api.post(PATH, {"operation": "analyze", "tables": ["x"] * 101}), 400)
    problem(staff.post(PATH, {"operation": "analyze"}), 403)
    problem(Api(factories.person()).post(PATH, {"operation": "analyze"}), 403)
    problem(api.get(f"{PATH}/{10**12}"), 404)
    assert not MaintenanceRun.objects.exists()


def test_the_command_says_what_it_would_do_and_does_it() -> None:
    def told(*arguments: str) -> list[dict[str, object]]:
        out = io.StringIO()
        call_command("db_maintain", *arguments, "--json", stdout=out)
        found: list[dict[str, object]] = json.loads(out.getvalue())
        return found

    assert [row["outcome"] for row in told("--table", "messages", "--dry-run")] == ["due"]
    assert not MaintenanceRun.objects.exists()
    assert [row["outcome"] for row in told("--table", "messages")] == ["done"]
    assert MaintenanceRun.objects.get().asked_by == "manage.py"
    with pytest.raises(CommandError, match="no table nope"):
        told("--table", "nope")


def test_the_command_tells_a_round_under_way_from_a_database_that_is_away(
    keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(Api(keeper).post(PATH, {"operation": "analyze"}), 202)
    with pytest.raises(CommandError, match="is queued") as busy:
        call_command("db_maintain")
    known = connections[MAINTENANCE].settings_dict | {"PORT": str(free_port())}
    connections[MAINTENANCE].close()
    monkeypatch.setattr(connections[MAINTENANCE], "settings_dict", known)
    with pytest.raises(CommandError, match="does not answer") as away:
        call_command("db_maintain", "--dry-run")
    assert (busy.value.returncode, away.value.returncode) == (4, 3)


class _Heard(io.StringIO):
    """Calls somebody as soon as something is said."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then

    def write(self, said: str) -> int:
        self._then()
        return super().write(said)


def test_the_command_waits_for_an_index_that_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_maintain, "LOOK_S", 0)
    with session(Database(MAINTENANCE)) as builder:
        builder.execute(upkeep.LOCK)
        heard = _Heard(lambda: builder.execute(upkeep.UNLOCK))
        call_command("db_maintain", "--table", "messages", stdout=io.StringIO(), stderr=heard)
    assert heard.getvalue().strip() == "It waits until an index is built, or other maintenance is through."
    done = MaintenanceRun.objects.get()
    assert (done.state, [row["outcome"] for row in done.results]) == ("done", ["done"])


PAGE = "/admin/dbperf/maintenancerun/"


def test_the_page_begins_and_stops_a_round(keeper: User) -> None:
    keeper.user_permissions.add(Permission.objects.get(codename="view_maintenancerun"))
    browser = Client()
    browser.force_login(keeper)
    assert "every night" in browser.get(PAGE).content.decode()
    told = browser.post(PAGE, {"begin": "1", "operation": "analyze", "tables": "messages, nope"})
    assert "There is no table nope." in told.content.decode()
    browser.post(PAGE, {"begin": "1", "operation": "analyze", "tables": "messages"})
    run = MaintenanceRun.objects.get()
    assert (run.state, run.tables, run.asked_by) == ("queued", ["messages"], keeper.username)
    assert 'content="2"' in browser.get(PAGE).content.decode()
    browser.post(PAGE, {"cancel": str(run.pk)})
    assert MaintenanceRun.objects.get().state == "cancelled"


def test_what_nobody_counted_is_no_zero(keeper: User) -> None:
    keeper.user_permissions.add(Permission.objects.get(codename="view_maintenancerun"))
    job = read(Api(keeper).post(PATH, {"operation": "vacuum_analyze", "tables": ["messages"]}), 202)["job"]
    MaintenanceRun.objects.filter(pk=job).update(most_minutes=-1)
    tasks.maintain(job)
    (left,) = read(Api(keeper).get(f"{PATH}/{job}"))["results"]
    assert (left["outcome"], left["dead_before"], left["dead_after"]) == ("skipped", None, None)
    browser = Client()
    browser.force_login(keeper)
    assert browser.get(PAGE).content.decode().count("<td>not known</td>") == 2


def test_who_may_only_look_begins_nothing() -> None:
    looker = factories.person("looker", is_staff=True)
    browser = Client()
    browser.force_login(looker)
    assert browser.get(PAGE).status_code == 403
    looker.user_permissions.add(Permission.objects.get(codename="view_maintenancerun"))
    assert b'name="begin"' not in browser.get(PAGE).content
    assert browser.post(PAGE, {"begin": "1", "operation": "analyze"}).status_code == 403
    assert not MaintenanceRun.objects.exists()
