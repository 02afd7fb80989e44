"""Plans over REST, in the admin and on a terminal, and of statements that were seen running."""

import io
import json
import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from chatbackend import explained
from conversations.models import User
from dbperf.aliases import EXPLAIN
from dbperf.catalog import statements
from dbperf.connections import Database
from dbperf.explain import allowed, granting
from dbperf.models import ExplainCall, Statement, StatementUse
from tests import factories
from tests.api import Api, problem, read

PATH, PAGE = "/admin/database/analyze-query", "/admin/dbperf/explaincall/"
SQL = "SELECT m.id FROM messages m JOIN users u ON u.id = m.sender_id WHERE m.seq > 41 AND u.username = 'ann'"


@pytest.fixture(scope="module", autouse=True)
def _granted(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    if EXPLAIN not in connections.settings:
        pytest.skip("an outside server without TEST_EXPLAIN_URL")
    with django_db_blocker.unblock():
        role = connections.settings[EXPLAIN]["USER"]
        _, left = granting.grant(Database("default"), role, allowed.tables())
    assert left == []


def somebody(*permissions: str) -> User:
    user = factories.person(is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="dbperf", codename__in=permissions)
    )
    return user


@pytest.fixture
def caller(db: None) -> Api:
    return Api(somebody("explain", "view_query_text"))


def seen(sql: str, *, queryid: int = -7, userid: int | None = None) -> int:
    own = statements.own_ids(Database("default"))
    Statement.objects.create(
        queryid=queryid,
        userid=own["userid"] if userid is None else userid,
        dbid=own["dbid"],
        toplevel=True,
        text=sql,
        first_seen=timezone.now(),
    )
    return queryid


def test_a_plan_over_rest(caller: Api) -> None:
    found = read(caller.post(PATH, {"sql": SQL}))
    assert (found["mode"], found["origin"], found["generic"]) == ("explain", "sql", False)
    assert "m.seq > $1" in found["statement"]
    assert {node["subject"].rpartition(" ")[2] for node in found["nodes"]} >= {"messages", "users"}
    assert [node["costliest"] for node in found["nodes"]].count(True) == 1
    assert found["total_cost"] == found["plan"]["Plan"]["Total Cost"]
    told = json.dumps([found["plan"], found["nodes"]])
    assert "41" not in re.findall(r"> (\w+|\?)", told)
    assert "'ann'" not in told
    assert "?" in told


def test_parameters(caller: Api) -> None:
    sql = "SELECT id FROM messages WHERE seq > $1 AND type = $2"
    assert read(caller.post(PATH, {"sql": sql}))["generic"]
    assert not read(caller.post(PATH, {"sql": sql, "params": [3, "text"]}))["generic"]
    assert problem(caller.post(PATH, {"sql": sql, "params": [3]}), 400)["code"] == "parameters"
    injected = {"sql": sql, "params": ["1); DELETE FROM messages; --", "'"]}
    assert problem(caller.post(PATH, injected), 400)["code"] == "sql_failed"


def test_what_people_wrote_is_not_on_the_list(caller: Api) -> None:
    for sql in ("SELECT content FROM messages", "SELECT password FROM users", "SELECT m FROM messages m"):
        refused = problem(caller.post(PATH, {"sql": sql}), 400)
        assert (refused["code"], "42501" in refused["detail"]) == ("sql_failed", True)
    for table in ("django_session", "token_blacklist_outstandingtoken", "socket_tickets", "pg_authid"):
        assert problem(caller.post(PATH, {"sql": f"TABLE {table}"}), 400)["code"] == "table"


def test_the_list_names_what_there_is() -> None:
    there = {
        model._meta.db_table: {field.column for field in model._meta.local_fields}
        for model in apps.get_models()
    }
    plain, more = explained.tables(content=False), explained.tables(content=True)
    for name, columns in more.items():
        assert set(columns or ()) <= there[name]
        assert not any(allowed.SECRET.search(word) for word in (name, *(columns or there[name])))
    added = {
        (name, column)
        for name, columns in more.items()
        for column in set(columns or ()) - set(plain[name] or ())
    }
    assert {("messages", "content"), ("messages", "words"), ("conversations", "name")} <= added


def test_running_it_takes_a_permission_of_its_own(caller: Api) -> None:
    problem(caller.post(PATH, {"sql": "SELECT id FROM users", "analyze": True}), 403)
    assert not ExplainCall.objects.exists()
    found = read(
        Api(somebody("explain", "explain_analyze")).post(
            PATH, {"sql": "SELECT id FROM users", "analyze": True}
        )
    )
    assert (found["mode"], found["statement"]) == ("analyze", None)  # without view_query_text
    assert found["nodes"][0]["actual_rows"] is not None


@pytest.mark.django_db
def test_who_may_ask() -> None:
    for permissions in ([], ["explain_analyze"], ["view_query_text"]):
        problem(Api(somebody(*permissions)).post(PATH, {"sql": "SELECT 1"}), 403)
    problem(Api(factories.person(is_superuser=True)).post(PATH, {"sql": "SELECT 1"}), 403)  # no staff
    problem(Api().post(PATH, {"sql": "SELECT 1"}), 401)
    assert not ExplainCall.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sql": "SELECT 1", "queryid": "1"},
        {"sql": 5},
        {"queryid": 5},
        {"queryid": "x"},
        {"queryid": "9223372036854775808"},
        {"sql": "SELECT 1", "analyze": "yes"},
        {"sql": "SELECT $1", "params": [[1]]},
        {"sql": "SELECT $1", "params": "x"},
        {"sql": "x" * 10_001},
    ],
)
def test_bodies_at_fault(caller: Api, body: Any) -> None:
    problem(caller.post(PATH, body), 400)
    assert not ExplainCall.objects.exists()


def test_every_call_is_logged(caller: Api) -> None:
    caller.post(PATH, {"sql": SQL})
    caller.post(PATH, {"sql": "DELETE FROM messages WHERE content = 'private'"})
    ended, refused = ExplainCall.objects.order_by("pk")
    assert [(call.outcome, call.door) for call in (ended, refused)] == [
        ("explained", "rest"),
        ("not_select", "rest"),
    ]
    assert "private" not in refused.text
    assert ended.asker_id == str(User.objects.get().pk)


def test_how_often(caller: Api, settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 0.1
    first = caller.post(PATH, {"sql": "SELECT 1"})
    assert first["RateLimit-Policy"] == '"explain";q=1;w=60'
    read(first)
    assert problem(caller.post(PATH, {"sql": "SELECT 1"}), 429)["code"] == "rate_limited"


# --- Statements that were seen


def test_a_statement_that_was_seen(caller: Api) -> None:
    queryid = seen("UPDATE messages SET content = $1 WHERE conversation_id = $2 AND seq = $3")
    found = read(caller.post(PATH, {"queryid": str(queryid)}))
    assert (found["origin"], found["generic"], found["queryid"]) == ("captured", True, "-7")
    assert found["nodes"][0]["kind"] == "ModifyTable"
    assert "$3" in json.dumps(found["plan"])


def test_without_the_login_only_what_was_seen(caller: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    queryid = seen("SELECT count(*) FROM messages WHERE content = $1")
    monkeypatch.delitem(connections.settings, EXPLAIN)
    refused = problem(caller.post(PATH, {"sql": "SELECT 1"}), 409)
    assert (refused["code"], "queryid" in refused["detail"]) == ("no_explain_role", True)
    assert read(caller.post(PATH, {"queryid": str(queryid)}))["generic"]


@pytest.mark.parametrize(
    ("sql", "userid", "status", "code"),
    [
        ("SELECT 1", 10, 409, "another_login"),
        ("VACUUM messages", None, 409, "no_plan"),
        ("BEGIN; DELETE FROM messages", None, 409, "no_plan"),
        ("SELECT '" + "x" * 10_000, None, 409, "cut_off"),
        ("SELECT FROM WHERE", None, 400, "syntax"),
    ],
)
def test_seen_and_not_planned(caller: Api, sql: str, userid: int | None, status: int, code: str) -> None:
    queryid = seen(sql, userid=userid)
    assert problem(caller.post(PATH, {"queryid": str(queryid)}), status)["code"] == code


def test_never_seen_and_never_run(caller: Api) -> None:
    assert problem(caller.post(PATH, {"queryid": "5"}), 404)["code"] == "not_found"
    runner = Api(somebody("explain", "explain_analyze"))
    body = {"queryid": str(seen("SELECT 1")), "analyze": True}
    assert problem(runner.post(PATH, body), 400)["code"] == "analyze"


@pytest.mark.django_db
def test_what_postgresql_counted_is_planned() -> None:
    """From the statement in pg_stat_statements to its plan, on a real text of the server's own making."""
    sql = "SELECT 'never' AS seen_once, count(*) FROM users WHERE username = 'somebody'"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("SELECT queryid, query FROM pg_stat_statements WHERE query LIKE '%seen_once%' LIMIT 1")
        queryid, text = cursor.fetchone()
    seen(text, queryid=queryid)
    out = io.StringIO()
    call_command("db_explain", "--queryid", str(queryid), stdout=out)
    assert "users" in out.getvalue()


# --- The page


def page(user: User, **form: Any) -> str:
    client = Client()
    client.force_login(user)
    reply = client.post(PAGE, form) if form else client.get(PAGE)
    assert reply.status_code == 200
    return reply.content.decode()


@pytest.mark.django_db
def test_the_viewer() -> None:
    user = somebody("explain", "view_query_text")
    assert "Nobody asked for a plan yet" in page(user)
    shown = page(user, sql=SQL)
    assert shown.count('class="costliest"') == shown.count("<em>costs most</em>") == 1
    assert shown.count("<meter") == shown.count("</meter>") > 1
    assert len(re.findall("<li[ >]", shown)) == shown.count("</li>")
    assert "m.seq &gt; $1" in shown
    assert "&#x27;ann&#x27;::text" not in shown.partition("dbperf-plan")[2]
    own = shown[shown.index('id="content"') :]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", own)


@pytest.mark.django_db
def test_the_viewer_says_why_not() -> None:
    user = somebody("explain")
    assert "FOR UPDATE and its kin take locks." in page(user, sql="SELECT 1 FOR UPDATE")
    assert "Give the id of a statement, or a SELECT." in page(user, sql=" ")
    shown = page(user, queryid=str(seen("SELECT count(*) FROM users WHERE username = $1")))
    assert "The plan for any values." in shown
    assert "SELECT count(*)" not in shown  # without view_query_text


@pytest.mark.django_db
def test_who_may_open_the_viewer() -> None:
    client = Client()
    client.force_login(somebody("view_explaincall"))
    assert client.get(PAGE).status_code == 403
    client.force_login(somebody("explain"))
    assert client.post(PAGE, {"sql": "SELECT 1", "analyze": "on"}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(somebody("explain"))
    assert strict.post(PAGE, {"sql": "SELECT 1"}).status_code == 403
    assert not ExplainCall.objects.exists()


@pytest.mark.django_db
def test_the_viewer_is_counted_with_rest(settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 0.1
    user = somebody("explain")
    read(Api(user).post(PATH, {"sql": "SELECT 1"}))
    assert "Too many plans for now" in page(user, sql="SELECT 1")
    assert ExplainCall.objects.count() == 1


@pytest.mark.django_db
def test_the_statements_lead_to_it() -> None:
    now, figures = (
        timezone.now(),
        dict.fromkeys(("rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes"), 1),
    )
    row = Statement.objects.get(queryid=seen("SELECT count(*) FROM users"))
    StatementUse.objects.create(statement=row, taken_at=now, window_s=60, calls=1, total_ms=1, **figures)
    client = Client()
    client.force_login(somebody("view_statement"))
    link = f'href="{PAGE}?queryid=-7"'
    assert link not in client.get("/admin/dbperf/statement/").content.decode()
    client.force_login(somebody("view_statement", "explain"))
    assert link in client.get("/admin/dbperf/statement/").content.decode()
    assert 'value="-7"' in client.get(f"{PAGE}?queryid=-7").content.decode()
    assert not ExplainCall.objects.exists()  # looking is not asking


@pytest.mark.django_db
def test_few_statements_for_the_viewer() -> None:
    client = Client()
    client.force_login(somebody("explain", "explain_analyze", "view_query_text"))
    with CaptureQueriesContext(connection) as kept:
        assert client.post(PAGE, {"sql": SQL}).status_code == 200
    assert len(kept) <= 10


@pytest.mark.django_db
def test_the_viewer_without_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(connections.settings, EXPLAIN)
    shown = page(somebody("explain"))
    assert "there is no connection of the login dbperf_explain" in shown
    assert "<textarea" not in shown


# --- The command


@pytest.mark.django_db
def test_on_a_terminal() -> None:
    out = io.StringIO()
    call_command("db_explain", SQL, "--analyze", stdout=out)
    lines = out.getvalue().splitlines()
    assert sum(line.startswith("> ") for line in lines) == 1
    assert any("messages" in line for line in lines)
    out = io.StringIO()
    call_command(
        "db_explain", "SELECT id FROM users WHERE username = $1", "--param", "ann", "--json", stdout=out
    )
    assert json.loads(out.getvalue())["generic"] is False
    assert {call.door for call in ExplainCall.objects.all()} == {"command"}


@pytest.mark.django_db
def test_exit_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"take locks\. \(locks\)") as refused:
        call_command("db_explain", "SELECT 1 FOR UPDATE")
    assert refused.value.returncode == 1
    with pytest.raises(CommandError, match="Give a SELECT"):
        call_command("db_explain")
    known = {**connections.settings[EXPLAIN], "PORT": "1"}
    monkeypatch.setitem(connections.settings, EXPLAIN, known)
    monkeypatch.setattr(connections[EXPLAIN], "settings_dict", known)
    with pytest.raises(CommandError, match="does not answer") as away:
        call_command("db_explain", "SELECT 1")
    assert away.value.returncode == 3
