"""The statements that live in the database: how they get there, what they cost, which way they go."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from psycopg import sql

from conversations.models import User
from conversations.queries import blocks, inbox, people, stamps
from conversations.queries.inbox import InboxFilter
from conversations.queries.routine import Routine, install
from messaging.queries import (
    changes,
    history,
    pins,
    receipts,
    replies,
    revisions,
    search,
    sockets,
    stats,
    sweep,
    writing,
)
from messaging.queries.history import Window
from tests import factories, scratch
from tests.crowd import Crowd, fill
from tests.factories import Json

ALL: dict[str, Routine] = {
    routine.name: routine
    for routine in (
        *inbox.ROUTINES,
        *stamps.ROUTINES,
        *blocks.ROUTINES,
        *history.ROUTINES,
        *replies.ROUTINES,
        *receipts.ROUTINES,
        *revisions.ROUTINES,
        *pins.ROUTINES,
        *writing.ROUTINES,
        *changes.ROUTINES,
        *sockets.ROUTINES,
        *sweep.ROUTINES,
        *search.ROUTINES,
        *stats.ROUTINES,
    )
}
LARGE = {"messages", "conversations", "participants", "users", "mentions", "socket_notices"}
LARGE |= {"blocks", "message_revisions"}
HELLO = Routine(
    "hello", parameters={"name": "text"}, returns={"said": "text"}, body="SELECT 'hi ' || %(name)s"
)


def _installed(name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname ~ %s::text ORDER BY oid", [f"^{name}_[0-9a-f]{{10}}$"]
        )
        return [row[0] for row in cursor.fetchall()]


def _version(number: int) -> Routine:
    return replace(HELLO, body=f"SELECT '{number} ' || %(name)s")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ALL)
def test_migrating_installs_each_routine(name: str) -> None:
    assert _installed(name) == [ALL[name].function]


@pytest.mark.django_db
def test_installing_again_changes_nothing(django_assert_num_queries: Any) -> None:
    install([HELLO], using="default")
    before = _installed("hello")
    with django_assert_num_queries(1):
        install([HELLO], using="default")
    assert _installed("hello") == before == [HELLO.function]
    assert HELLO.call(name="you") == [("hi you",)]


@pytest.mark.django_db
def test_the_version_before_stays_for_processes_that_are_still_running() -> None:
    for number in range(4):
        install([_version(number)], using="default")
    assert _installed("hello") == [_version(2).function, _version(3).function]
    assert _version(2).call(name="you") == [("2 you",)]


@pytest.mark.django_db
def test_going_back_to_the_version_before_keeps_both() -> None:
    for number in (1, 2, 1):
        install([_version(number)], using="default")
    assert set(_installed("hello")) == {_version(1).function, _version(2).function}


@pytest.mark.django_db
def test_functions_of_others_with_such_names_are_left_alone() -> None:
    with connection.cursor() as cursor:
        for digit in "abc":
            cursor.execute(f"CREATE FUNCTION hello_{digit * 10}() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    install([HELLO], using="default")
    assert len(_installed("hello")) == 4


def _ask_everything(user: User, room: UUID) -> dict[str, Any]:
    """Each hot read of one person."""
    window = {"viewer": user.pk, "conversation_id": room}
    return {
        "inbox": lambda: inbox.inbox(viewer=user.pk, wanted=InboxFilter(), limit=50),
        "business inbox": lambda: inbox.business_inbox(
            viewer=user.pk, business_id="acme", wanted=InboxFilter(), limit=50
        ),
        "view": lambda: inbox.conversation(viewer=user.pk, conversation_id=room),
        "unread totals": lambda: inbox.unread_totals(viewer=user.pk),
        "history": lambda: history.message_history(**window, window=Window(50)),
        "history of a type": lambda: history.message_history(**window, window=Window(50, type="text")),
        "message": lambda: history.message(**window, seq=1),
        "replies": lambda: replies.replies(**window, seq=1, limit=50, after=0) == [],
        "revisions": lambda: revisions.revisions(**window, seq=1, limit=50, after=0),
        "blocks": lambda: blocks.blocks(viewer=user.pk, limit=50) == [],
        "pins": lambda: pins.pins(**window) == [],
        "receipts": lambda: receipts.receipts(**window, seq=1, limit=50) is not None,
        "changes": lambda: changes.changes_since(conversation_id=room, after=0, limit=50),
        "changes of each": lambda: changes.changes_since_each(cursors={room: 1}, limit=50).changes[room],
        "head": lambda: changes.head(**window),
        "moved": lambda: changes.moved(viewer=user.pk, cursors={room: 0}),
        "participants": lambda: people.participants(conversation_id=room, limit=50),
        "heads": lambda: inbox.heads(viewer=user.pk),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 50])
def test_each_question_is_one_statement_whatever_the_data(rows: int, django_assert_num_queries: Any) -> None:
    agent, others = factories.agent(), factories.persons(rows)
    room = factories.group(agent, *others)
    for other in others:
        factories.say(other, room, mentions=[agent.pk])
        factories.case(other, content="help")
        factories.direct(agent, other)
    for ask in _ask_everything(agent, room).values():
        with django_assert_num_queries(1):
            assert ask()


@pytest.mark.django_db
def test_a_closed_account_gets_nothing_from_any_question_in_its_name() -> None:
    agent = factories.agent()
    room = factories.group(agent)
    factories.say(agent, room)
    factories.case(factories.person(), content="help")
    User.objects.filter(pk=agent.pk).update(is_active=False)
    answers = {name: ask() for name, ask in _ask_everything(agent, room).items()}
    answers["moved"] = [one for one in answers["moved"] if one.version]
    told = {name for name, answer in answers.items() if answer}
    assert told == {"changes", "changes of each", "participants"}  # these ask in nobody's name


# --- which way they go, in a crowd large enough for the planner to care


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[Crowd]:
    """80,000 messages in 2,000 conversations of 3,000 people, in a database of its own."""
    with django_db_blocker.unblock(), scratch.migrated_on(scratch.OWN, "crowd") as alias:
        yield fill(alias)


def _given(crowd: Crowd, **more: object) -> dict[str, object]:
    """A value for every parameter of every routine."""
    return {
        **dict.fromkeys(name for routine in ALL.values() for name in routine.parameters),
        "viewer": crowd.agent,
        "sender": crowd.agent,
        "conversation": crowd.busiest,
        "business": "acme",
        "limit": 50,
        "seq": 900,
        "reply_to": 900,
        "after": 900,
        "known": 900,
        "past": UUID(int=0),
        "content": "hello",
        "metadata": "{}",
        "client_id": "1",
        "mentions": [],
        "attachments": [],
        "ids": crowd.some,
        "versions": [1] * len(crowd.some),
        "knowns": [1] * len(crowd.some),
        "only_named": False,
        "back": 5.0,
        "businesses": ["acme"],
        "nearest": 16,
        "marks": 4,
        "session": "of-nobody",
        "query": "'900'",
        "partial": "'900':*",
        "senders": [crowd.agent] * 50,
        "types": ["text"] * 50,
        "contents": ["hello"] * 50,
        "client_ids": [str(number) for number in range(50)],
        "times": [datetime(2026, 1, 1, tzinfo=UTC)] * 50,
        "bytes": 10**6,
        "depth": 51,
        "by_rank": False,
        "budget": 512,
        "day": date(2026, 1, 1),
        "type": None,
        **more,
    }


def _plan(routine: Routine, values: Mapping[str, object], *, alias: str, mode: str) -> Json:
    """As the function plans its body: prepared, with parameters of the function's types."""
    names = list(routine.parameters)
    body = routine.plain
    for place, name in enumerate(names, start=1):
        body = body.replace(f"%({name})s", f"${place}")
    types = ", ".join(routine.parameters.values())
    given = ", ".join(sql.Literal(values[name]).as_string() for name in names)
    with connections[alias].cursor() as cursor:
        cursor.execute("SET random_page_cost = 1.1")  # as docs/how-to/use-your-own-servers.md tells
        cursor.execute(f"SET plan_cache_mode = {mode}")
        cursor.execute(f"PREPARE planned ({types}) AS {body.replace('%%', '%')}", None)
        try:
            cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE planned ({given})", None)
            found: Json = cursor.fetchone()[0][0]["Plan"]
        finally:
            cursor.execute("DEALLOCATE planned")
            cursor.execute("RESET plan_cache_mode")
            cursor.execute("RESET random_page_cost")
    return found


def _nodes(plan: Json) -> Iterator[Json]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", ALL)
def test_each_routine_goes_by_its_indexes(crowd: Crowd, name: str, mode: str) -> None:
    routine = ALL[name]
    type = {"send_message": "text", "message_history_of_type": "image"}.get(name)
    sender = (
        None if name in {"search_walk", "search_rare"} else crowd.agent
    )  # a sender known beforehand would have their own index
    given = _given(crowd, type=type, sender=sender)
    nodes = list(_nodes(_plan(routine, given, alias=crowd.alias, mode=mode)))
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    assert (scanned & LARGE, set(routine.uses) - used) == (set(), set())


@pytest.mark.parametrize("word", ["'900'", "'9':*"])
def test_a_search_by_the_index_of_words(crowd: Crowd, word: str) -> None:
    given: Any = {**_given(crowd, sender=None, query=word), "conversations": crowd.some}
    with connections[crowd.alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {search.INDEXED}", given)
        nodes = list(_nodes(cursor.fetchone()[0][0]["Plan"]))
    assert {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & LARGE == set()
    assert "messages_search" in {node["Index Name"] for node in nodes if "Index Name" in node}


@pytest.mark.parametrize("name", ALL)
def test_each_routine_names_indexes_that_exist(crowd: Crowd, name: str) -> None:
    with connections[crowd.alias].cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid")
        there = {row[0] for row in cursor.fetchall()}
    assert ALL[name].uses
    assert set(ALL[name].uses) <= there
