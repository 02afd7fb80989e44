"""The statements that live in the database: how they get there, and what they cost."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from conversations.models import User
from conversations.queries import inbox, people, stamps
from conversations.queries.inbox import InboxFilter
from conversations.queries.routine import Routine, install
from messaging.queries import changes, history, search, sockets, stats, sweep, writing
from messaging.queries.history import Window
from tests import factories

ALL: dict[str, Routine] = {
    routine.name: routine
    for routine in (
        *inbox.ROUTINES,
        *stamps.ROUTINES,
        *history.ROUTINES,
        *writing.ROUTINES,
        *changes.ROUTINES,
        *sockets.ROUTINES,
        *sweep.ROUTINES,
        *search.ROUTINES,
        *stats.ROUTINES,
    )
}
LARGE = {"messages", "conversations", "participants", "users", "mentions", "socket_notices"}
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
