"""The commands, on the database of the run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from dbperf.aliases import EXPLAIN, MONITOR
from dbperf.connections import Database
from dbperf.explain import granting
from tests import scratch

needs_the_login = pytest.mark.skipif(
    EXPLAIN not in connections.settings, reason="an outside server without TEST_EXPLAIN_URL"
)


@pytest.fixture(autouse=True)
def _reached(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
        connections[MONITOR].close()


@pytest.fixture
def twice(_reached: None) -> Iterator[None]:
    """An index that is there twice."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "CREATE TABLE twice (a int); CREATE INDEX once ON twice (a); CREATE INDEX again ON twice (a)"
        )
        yield
        cursor.execute("DROP TABLE twice")


def told(command: str, *arguments: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command(command, *arguments, stdout=output)
    except SystemExit as ended:
        return int(str(ended.code)), output.getvalue()
    return 0, output.getvalue()


def as_json(command: str, *arguments: str) -> Any:
    return json.loads(told(command, *arguments, "--json")[1])


def test_metrics() -> None:
    code, text = told("db_metrics")
    assert code == 0
    assert "waiting for a lock   0" in text
    assert as_json("db_metrics")["connections"] >= 1


@pytest.mark.usefixtures("twice")
def test_report_ends_as_bad_as_asked() -> None:
    code, text = told("db_report", "--check", "duplicate_index")
    assert code == 0  # a warning is not critical
    assert "duplicate_index: " in text
    assert "DROP INDEX CONCURRENTLY public." in text
    assert told("db_report", "--check", "duplicate_index", "--fail-on", "warning")[0] == 2
    report = as_json("db_report", "--check", "duplicate_index")
    assert [found["check"] for found in report["findings"]] == ["duplicate_index"]


def test_report_of_nothing() -> None:
    code, text = told("db_report", "--check", "duplicate_index", "--fail-on", "info")
    assert code == 0
    assert "Nothing found." in text


@pytest.mark.usefixtures("twice")
def test_suggestions_are_sql() -> None:
    code, text = told("db_suggest", "--kind", "duplicate", "--fail")
    assert code == 2
    statements = [line for line in text.splitlines() if line and not line.startswith("--")]
    assert len(statements) == 1
    assert statements[0].startswith("DROP INDEX CONCURRENTLY public.")
    assert told("db_suggest", "--kind", "duplicate")[0] == 0
    assert [found["check"] for found in as_json("db_suggest", "--kind", "duplicate")] == ["duplicate_index"]


@pytest.fixture
def bare(_reached: None) -> Iterator[str]:
    """A database without our extensions, which only a superuser can make."""
    with connections["default"].cursor() as cursor:
        cursor.execute("CREATE DATABASE bare TEMPLATE template0")
        try:
            with scratch.registered("bare", {**connections["default"].settings_dict, "NAME": "bare"}):
                yield "bare"
        finally:
            cursor.execute("DROP DATABASE bare")


def test_setup_on_a_server_that_has_everything() -> None:
    code, text = told("db_setup")
    assert code == 0
    assert "has all that monitoring uses." in text


def test_setup_says_what_is_left(bare: str) -> None:
    code, text = told("db_setup", "--database", bare)
    assert code == 2
    assert text.splitlines()[-2:] == ["CREATE EXTENSION pg_stat_statements;", "CREATE EXTENSION pgstattuple;"]
    left = json.loads(told("db_setup", "--database", bare, "--role", "pg_signal_backend", "--json")[1])[
        "left"
    ]
    assert "GRANT pg_monitor TO pg_signal_backend;" in left


@needs_the_login
def test_setup_makes_the_login_for_plans(bare: str) -> None:
    """As far as the application's login may: that makes no logins."""
    with without_the_login():
        assert "dbperf_explain" not in told("db_setup", "--database", bare)[1]
        with override_settings(DBPERF={"EXPLAIN_TABLES": {"letters": ["id"], "user_tokens": None}}):
            run(
                bare,
                'CREATE TABLE letters (id int, body text, "order" int)',
                "CREATE TABLE user_tokens (id int)",
            )
            code, text = told("db_setup", "--database", bare, "--explain")
    assert code == 2
    assert "GRANT SELECT (id) ON public.letters TO dbperf_explain;" in text
    assert "ALTER ROLE" not in text  # the server of the tests has made it as it should be
    assert "user_tokens" not in text


@needs_the_login
def test_setup_keeps_to_the_list(bare: str) -> None:
    run(bare, 'CREATE TABLE letters (id int, body text, "order" int, password text)')
    on, role = Database(bare), connections.settings[EXPLAIN]["USER"]
    wide, narrow = {("public", "letters"): None}, {("public", "letters"): frozenset({"id", "order"})}
    assert (
        granting.grant(on, role, wide)[0][-1]
        == f'GRANT SELECT (id, body, "order") ON public.letters TO {role}'
    )
    assert granting.needed(on, role, wide) == []
    assert (
        granting.grant(on, role, narrow)[0][-1] == f'GRANT SELECT (id, "order") ON public.letters TO {role}'
    )
    assert granting.grant(on, role, narrow) == ([], [])
    assert granting.grant(on, role, {})[0] == [f"REVOKE ALL ON public.letters FROM {role}"]


@contextmanager
def without_the_login() -> Iterator[None]:
    known = connections.settings.pop(EXPLAIN)
    try:
        yield
    finally:
        connections.settings[EXPLAIN] = known


def run(alias: str, *statements: str) -> None:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
