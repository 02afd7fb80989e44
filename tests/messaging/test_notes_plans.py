"""The statements about notes among 80,000 of them: each by its index, and by little of it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from conversations.models import User
from messaging.queries import notes
from messaging.records import Place
from tests import factories
from tests.explained import buffers, explained, nodes, read_whole

CASES = 2_000
NOTES = 40  # beside each of them
MOST_BUFFERS = 400  # of 8 kB, for a page of fifty
BIG = {"conversations", "notebooks", "notes"}
_FILL = """
    INSERT INTO conversations SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid()))).*
    FROM conversations c, generate_series(2, %(cases)s) WHERE c.id = %(case)s;
    INSERT INTO notebooks (conversation_id, last_number, version, changed_at)
    SELECT id, %(notes)s, %(notes)s, now() - interval '30 days' FROM conversations;
    INSERT INTO notes (conversation_id, number, version, created_version, after_seq, sender_id, content, sent_at)
    SELECT c.id, n, n, n, n / 2, %(agent)s, 'called twice', now() - interval '30 days'
    FROM conversations c, generate_series(1, %(notes)s) n;
    UPDATE notebooks SET changed_at = now() WHERE conversation_id = %(case)s;
    UPDATE notes SET edited_at = now() WHERE conversation_id = %(case)s AND number = %(notes)s;
    ANALYZE conversations, notebooks, notes"""


class Desk(NamedTuple):
    """An agent, and a case of theirs among many."""

    agent: User
    case: UUID


@pytest.fixture(scope="module")
def desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    """A business with many cases, there for this module only."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        made = Desk(agent := factories.agent(), factories.case(factories.person("customer")))
        given: dict[str, Any] = {"case": made.case, "agent": agent.pk, "cases": CASES, "notes": NOTES}
        for statement in _FILL.split(";"):
            cursor.execute(statement, given)
        yield made
        cursor.execute("TRUNCATE users, conversations, business_agents CASCADE")


Ask = Callable[[Desk], object]


def page(desk: Desk, **more: Any) -> object:
    first = {"first": 0, "last": None, "past": Place(0, 0), "limit": 50}
    return notes.page(conversation=desk.case, **{**first, **more})


ASKED: list[tuple[Ask, set[str]]] = [
    (lambda desk: notes.open_to(desk.agent.pk, [desk.case]), {"conversations_pkey", "notebooks_pkey"}),
    (page, {"notes_place"}),
    (partial(page, first=5, last=9, past=Place(7, 14)), {"notes_place"}),
    (lambda desk: notes.note(conversation=desk.case, number=7), {"notes_unique_number"}),
    (lambda desk: notes.stand(desk.case), {"notebooks_pkey", "conversations_pkey"}),
    (lambda desk: notes.changes({desk.case: 3}, limit=50), {"notes_version"}),
    (lambda desk: notes.recent(back=5.0, businesses=["acme"]), {"notebooks_changed", "notes_version"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("ask", "indexes"), ASKED)
def test_it_goes_by_its_index(desk: Desk, ask: Ask, indexes: set[str]) -> None:
    ((sql, params),) = statements(partial(ask, desk))
    plan = explained(sql, params)
    assert plan["Actual Rows"] > 0
    assert not BIG & read_whole(plan)
    assert indexes <= {node.get("Index Name") for node in nodes(plan)}
    assert buffers(plan) <= MOST_BUFFERS


def statements(ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """What is asked of PostgreSQL meanwhile, and with which values."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        ask()
    return seen
