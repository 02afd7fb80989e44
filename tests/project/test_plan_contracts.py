"""The contracts about plans over 1,000,000 messages: each holds, and each is broken where an index of it is missing."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

from dbperf.connections import Database
from dbperf.plans import CONTRACTS, Contract, assert_plan, check
from tests import million as kept

UNJUDGED = {"sweep_notices", "blocks"}  # a table that is emptied every hour, and a small one
LEANS = [(name, index) for name, contract in CONTRACTS.items() for index in contract.uses]


@pytest.fixture(scope="module")
def million(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """A year of chat in a database of its own, with the planner told of a disk without a head, as production is."""
    with django_db_blocker.unblock(), kept.million("million") as alias:
        with connections[alias].cursor() as cursor:
            cursor.execute("SET random_page_cost = 1.1")  # as docs/how-to/use-your-own-servers.md tells
        yield Database(alias)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", CONTRACTS)
def test_it_holds(million: Database, name: str) -> None:
    contract = CONTRACTS[name]
    if name in UNJUDGED:
        assert {verdict.judged for verdict in check(contract, million)} == {False}
    else:
        assert_plan(contract, million)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "index"), LEANS)
def test_without_an_index_it_is_broken(million: Database, name: str, index: str) -> None:
    with transaction.atomic(using=million.alias):
        for each in index.split("|"):
            drop(million, each)
        found = list(check(CONTRACTS[name], million))
        transaction.set_rollback(True, using=million.alias)
    assert all(f"{index} is not there" in verdict.broken for verdict in found)


@pytest.mark.slow
def test_an_index_that_is_there_and_not_used_breaks_it(million: Database) -> None:
    by_id = "SELECT content FROM messages WHERE id = 1"
    assert broken(million, by_id, uses=("messages_unique_seq",)) == {"messages_unique_seq is not used"}
    assert broken(million, by_id, uses=("messages_unique_seq|messages_p*",)) == set()


def drop(database: Database, index: str) -> None:
    """An index, or the constraint that it stands for."""
    (row,) = database.rows(
        """SELECT i.indrelid::regclass::text AS table, EXISTS (
            SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u')) AS constrains
        FROM pg_index i WHERE i.indexrelid = %s::text::regclass""",
        [index],
    )
    by_constraint = f"ALTER TABLE {row['table']} DROP CONSTRAINT {index} CASCADE"
    database.run(by_constraint if row["constrains"] else f"DROP INDEX {index}")


@pytest.mark.slow
def test_a_query_that_reads_a_large_table_whole_is_broken(million: Database) -> None:
    assert broken(million, "SELECT count(*) FROM messages WHERE content LIKE '%%a%%'") == {
        "messages is read whole"
    }


@pytest.mark.slow
def test_one_that_touches_too_much_is_broken(million: Database) -> None:
    walks = "SELECT max(content) FROM (SELECT content FROM messages ORDER BY id LIMIT 5000) m"
    (told,) = broken(million, walks, uses=("messages_p*",), most_buffers=10)
    assert told.endswith("buffers, at most 10")


@pytest.mark.slow
def test_one_that_takes_too_long_is_broken(million: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbperf.plans.TIMEOUT_S", 0.2)
    (told,) = broken(
        million, "SELECT pg_sleep(5), content FROM messages WHERE id = 1", uses=("messages_pkey",)
    )
    assert "could not be carried out" in told


@pytest.mark.slow
def test_one_that_writes_is_not_carried_out(million: Database) -> None:
    removes = contract("DELETE FROM messages WHERE id = 1", uses=("messages_pkey",), writes=True)
    assert [(verdict.broken, verdict.buffers) for verdict in check(removes, million)] == [([], None)] * 2
    assert million.row("SELECT count(*) AS n FROM messages WHERE id = 1") == {"n": 1}


def contract(statement: str, **more: Any) -> Contract:
    given: dict[str, Any] = {"uses": (), "most_buffers": 10**6, **more}
    return Contract(name="tried", statement=statement, parameters={}, values=lambda database: {}, **given)


def broken(database: Database, statement: str, **more: Any) -> set[str]:
    """What every mode finds."""
    found = [set(verdict.broken) for verdict in check(contract(statement, **more), database)]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.slow
def test_the_command_tells_and_ends_by_what_it_found(million: Database) -> None:
    out = io.StringIO()
    call_command("check_plans", database=million.alias, stdout=out)
    assert "message_history (generic): as promised, " in out.getvalue()
    out = io.StringIO()
    with transaction.atomic(using=million.alias):
        drop(million, "messages_unique_seq")
        with pytest.raises(CommandError, match="message_history"):
            call_command("check_plans", "message_history", database=million.alias, json=True, stdout=out)
        transaction.set_rollback(True, using=million.alias)
    assert {one["mode"] for one in json.loads(out.getvalue()) if one["broken"]} == {"custom", "generic"}


def test_a_name_that_is_none() -> None:
    with pytest.raises(CommandError, match="No such query: nope"):
        call_command("check_plans", "nope")


@pytest.mark.django_db
def test_an_empty_database_is_not_judged() -> None:
    found = [verdict for one in CONTRACTS.values() for verdict in check(one, Database("default"))]
    assert {(verdict.judged, tuple(verdict.broken)) for verdict in found} == {(False, ())}
    assert {verdict.contract for verdict in found} == CONTRACTS.keys()
