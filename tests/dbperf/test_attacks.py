"""What people type in for a plan, tried by all that is known to have got through somewhere: refused, or harmless.
Twice: at the gate, and past it against the login alone."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.test import override_settings

from dbperf.catalog import roles as catalog_roles
from dbperf.connections import Database
from dbperf.explain import allowed, gate, granting, roles, scrubbing
from dbperf.explain.refusals import NotHere, Refused
from dbperf.explain.session import Order, session
from dbperf.models import ExplainCall
from dbperf.services import explaining
from dbperf.services.explaining import Asker, Question
from tests import scratch
from tests.dbperf.attacks import ATTACKS
from tests.dbperf.faults import until

CANARIES = ("CANARY-BODY", "CANARY-PASSWORD", "CANARY-SESSION", "CANARY-TYPED")
TABLES = {"letters": None, "accounts": ["id", "name"]}
MADE = """
CREATE TABLE letters (id serial PRIMARY KEY, body text);
INSERT INTO letters (body) SELECT 'CANARY-BODY ' || n FROM generate_series(1, 300) n;
CREATE TABLE accounts (id int, name text, password text);
INSERT INTO accounts VALUES (1, 'ann', 'CANARY-PASSWORD');
CREATE TABLE app_sessions (key text);
INSERT INTO app_sessions VALUES ('CANARY-SESSION');
CREATE VIEW peek AS SELECT password FROM accounts;
GRANT SELECT ON peek TO PUBLIC;
CREATE TYPE mood AS ENUM ('x');
CREATE FUNCTION leak(text) RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION '%', (SELECT password FROM public.accounts); END $$;
CREATE FUNCTION lower(text) RETURNS text IMMUTABLE SECURITY DEFINER LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION '%', (SELECT password FROM public.accounts); END $$;
CREATE FUNCTION leaks(int, int) RETURNS bool IMMUTABLE SECURITY DEFINER LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION '%', (SELECT password FROM public.accounts); END $$;
CREATE OPERATOR @@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = leaks);
CREATE OPERATOR @> (LEFTARG = int, RIGHTARG = int, FUNCTION = leaks);
ANALYZE letters;
"""
GONE = """
DROP OPERATOR @@@ (int, int);
DROP OPERATOR @> (int, int);
DROP FUNCTION leaks, leak, public.lower(text); DROP TYPE mood; DROP VIEW peek;
DROP TABLE letters, accounts, app_sessions;
"""
STATE = """
SELECT (SELECT md5(string_agg(l::text, '|' ORDER BY l.id)) FROM letters l), (SELECT last_value FROM letters_id_seq),
       (SELECT count(*) FROM app_sessions), (SELECT string_agg(a.password, '|') FROM accounts a),
       (SELECT md5(string_agg(c.oid || c.relname, '|' ORDER BY c.oid)) FROM pg_class c),
       (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_largeobject_metadata),
       (SELECT count(*) FROM pg_locks k WHERE k.locktype = 'advisory'), (SELECT count(*) FROM pg_prepared_xacts)
"""


@pytest.fixture(scope="module")
def target(database: Database) -> Iterator[Database]:
    """Two tables that may be read, one of them in part, one that may not, and traps."""
    if not database.connection.settings_dict["USER"]:
        pytest.skip("an outside server without TEST_EXPLAIN_URL")
    with database.connection.cursor() as cursor:
        cursor.execute(MADE)
        with override_settings(DBPERF={"EXPLAIN_TABLES": TABLES}):
            _, left = granting.grant(database, login(database), allowed.tables())
            assert left == []
            yield database
        cursor.execute(GONE)


@pytest.fixture
def tables(target: Database) -> allowed.Tables:
    return allowed.tables()


@pytest.fixture(scope="module")
def untouched(target: Database) -> Any:
    """How it is before anybody tries anything."""
    return state(target)


def login(target: Database) -> str:
    return str(Database(scratch.explaining(target.alias)).connection.settings_dict["USER"])


def state(target: Database) -> Any:
    with target.connection.cursor() as cursor:
        cursor.execute(STATE)
        return cursor.fetchone()


def tried(target: Database, sql: str, *, analyze: bool) -> tuple[str, str]:
    """How it ended, and all that was told."""
    asker = Asker(door="rest", id="1", name="mallory")
    try:
        found = explaining.explain(
            Question(sql=sql, analyze=analyze),
            asker=asker,
            alias=scratch.explaining(target.alias),
            application=target.alias,
            store=target.alias,
        )
    except Refused as refused:
        return refused.code, f"{refused} {refused!r} {refused.__cause__!r}"
    return "explained", repr(found)


@pytest.mark.parametrize(("sql", "expected"), ATTACKS, ids=lambda value: str(value)[:50])
def test_the_gate(target: Database, untouched: Any, sql: str, expected: str | None) -> None:
    reaches_the_server = expected in {None, "sql_failed"}
    for analyze in (False, True) if reaches_the_server else (True,):
        outcome, told = tried(target, sql, analyze=analyze)
        assert outcome == expected or (expected is None and outcome in {"explained", "sql_failed"})
        assert not [canary for canary in CANARIES if canary in told]
        call = ExplainCall.objects.using(target.alias).latest("pk")
        assert (call.outcome, call.asker_name, call.analyze) == (outcome, "mallory", analyze)
        assert not [canary for canary in CANARIES if canary in call.text]
        assert call.took_ms is not None
        assert call.took_ms < 1_000
    assert state(target) == untouched


def test_there_are_enough_of_them() -> None:
    refused = [sql for sql, expected in ATTACKS if expected]
    assert len(set(refused)) == len(refused) >= 100


@pytest.mark.parametrize("sql", [sql for sql, _ in ATTACKS if "\x00" not in sql], ids=lambda sql: sql[:50])
def test_the_login_alone(target: Database, untouched: Any, sql: str) -> None:
    """Somebody who got past the gate: nothing is changed, nothing stays, and nothing of a row is told."""
    try:
        with session(scratch.explaining(target.alias)) as opened:
            order = Order(statement=sql, analyze=True, settings={"statement_timeout": "60ms"})
            told = repr(scrubbing.scrubbed(opened.plan(order)))
    except Refused as refused:
        told = f"{refused} {refused!r} {refused.__cause__!r}"
    assert not [canary for canary in CANARIES if canary in told]
    assert state(target) == untouched


@pytest.mark.parametrize(
    ("given", "fault", "taken"),
    [
        (
            "GRANT SELECT ON accounts TO {}",
            "can read public.accounts.password",
            "REVOKE ALL ON accounts FROM {}",
        ),
        (
            "GRANT SELECT ON app_sessions TO {}",
            "can read public.app_sessions.key",
            "REVOKE ALL ON app_sessions FROM {}",
        ),
        ("GRANT INSERT ON letters TO {}", "may write", "REVOKE INSERT ON letters FROM {}"),
        ("GRANT CREATE ON SCHEMA public TO {}", "may create", "REVOKE CREATE ON SCHEMA public FROM {}"),
    ],
)
def test_a_login_that_can_do_more_is_not_used(target: Database, given: str, fault: str, taken: str) -> None:
    role = login(target)
    with target.connection.cursor() as cursor:
        cursor.execute(given.format(role))
        try:
            outcome, told = tried(target, "SELECT 1", analyze=False)
            assert (outcome, fault in told) == ("explain_role", True)
        finally:
            cursor.execute(taken.format(role))


def test_the_login_of_the_application_is_not_used(target: Database, tables: allowed.Tables) -> None:
    with session(target.alias) as opened, pytest.raises(NotHere, match="The login for plans"):
        roles.check(opened, tables)


def test_what_there_is_too_much_of_is_taken_away(target: Database, tables: allowed.Tables) -> None:
    with target.connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON accounts, app_sessions TO {login(target)}")
    done, left = granting.grant(target, login(target), tables)
    assert (len(done), left) == (3, [])
    assert [sql for sql in done if sql.startswith("GRANT")] == [
        f"GRANT SELECT (id, name) ON public.accounts TO {login(target)}"
    ]


def test_a_login_that_does_something_else_is_left_alone(target: Database, tables: allowed.Tables) -> None:
    """DB_EXPLAIN_URL with the application's own login, by mistake: nothing is taken from it."""
    own = str(target.connection.settings_dict["USER"])
    before = granting.needed(target, own, tables)
    done, left = granting.grant(target, own, tables)
    assert (done, len(left), left[0].startswith(f"-- {own} is the login of the application")) == ([], 1, True)
    assert granting.needed(target, own, tables) == before != []


def test_one_at_a_time(target: Database) -> None:
    with session(scratch.explaining(target.alias)):
        assert tried(target, "SELECT 1", analyze=False)[0] == "explain_busy"
    assert tried(target, "SELECT 1", analyze=False)[0] == "explained"


def test_the_session_ends_with_the_plan(target: Database) -> None:
    tried(target, "SELECT 1", analyze=True)
    mine = "SELECT count(*) AS n FROM pg_stat_activity a WHERE a.usename = %s"
    until(lambda: target.row(mine, [login(target)])["n"] == 0)


def test_it_is_read_only_and_short(target: Database) -> None:
    with session(scratch.explaining(target.alias)) as opened:
        shown = {
            name: opened.rows(f"SHOW {name}")[0][0] for name in ("transaction_read_only", "statement_timeout")
        }
        with pytest.raises(Refused):
            opened.rows("SELECT 1; SELECT 2")
    assert shown == {"transaction_read_only": "on", "statement_timeout": "5s"}


def test_what_has_a_name_on_the_list_is_postgresqls_own(target: Database, tables: allowed.Tables) -> None:
    """There is a `lower` and a `@>` of somebody else's."""
    accepted = gate.accept("SELECT lower(body), now() FROM letters", tables)
    assert accepted.sql == "SELECT pg_catalog.lower(body), pg_catalog.now() FROM public.letters"
    outcome, told = tried(target, "SELECT 1 @> 1", analyze=True)
    assert (outcome, "42883" in told) == ("sql_failed", True)  # there is no such operator for numbers


def test_the_login_is_bounded_by_itself(target: Database) -> None:
    """Also where somebody connects as it by another way."""
    facts = catalog_roles.facts(target, login(target))
    assert (facts["connections"], "default_transaction_read_only=on" in facts["settings"]) == (2, True)
    fresh = granting.needed(target, "nobody_yet", {})
    assert fresh[0] == "CREATE ROLE nobody_yet LOGIN NOINHERIT CONNECTION LIMIT 2"
    assert "ALTER ROLE nobody_yet SET statement_timeout = '5000'" in fresh


def test_nothing_of_the_servers_words(target: Database) -> None:
    """psycopg's own error would hold the row."""
    with session(scratch.explaining(target.alias)) as opened:
        raw: psycopg.Connection[Any] = opened._connection
        with pytest.raises(psycopg.Error, match="CANARY-BODY"):
            raw.execute("SELECT body::int FROM public.letters")
    outcome, told = tried(target, "SELECT body::int FROM letters", analyze=True)
    assert (outcome, "22P02" in told, "CANARY" in told) == ("sql_failed", True, False)
