"""Everything that somebody wrote."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from conversations.services import participants
from messaging.models import Message
from messaging.services import messages
from tests import factories
from tests.api import Api, pages, read

pytestmark = pytest.mark.django_db
PATH = "/users/me/messages"


def _contents(api: Api, **query: object) -> list[str]:
    return [one["content"] for one in read(api.get(PATH, **query))["results"]]


def test_what_one_wrote_anywhere() -> None:
    ann, bob = factories.persons(2)
    room, other = factories.group(ann, bob), factories.direct(ann, bob)
    factories.say(bob, room, "first")
    factories.say(ann, room, "of another")
    factories.say(bob, other, "second")
    factories.say(bob, room, "taken back")
    messages.delete_message(actor_id=bob.pk, conversation_id=room, seq=3)
    assert _contents(Api(bob)) == ["second", "first"]


def test_also_where_one_has_left() -> None:
    """The notice of the leaving is not one's own, though one caused it."""
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    factories.say(bob, room, "goodbye")
    participants.leave(user_id=bob.pk, conversation_id=room)
    assert _contents(Api(bob)) == ["goodbye"]
    assert _contents(Api(ann)) == []


def test_pages_hold_everything_once_though_all_was_said_at_one_time() -> None:
    ann = factories.person()
    rooms: list[UUID] = [factories.group(ann), factories.group(ann)]
    for number in range(10):
        factories.say(ann, rooms[number % 2], str(number))
    Message.objects.update(sent_at=datetime(2026, 1, 1, tzinfo=UTC))
    cut = [one["content"] for page in pages(Api(ann), PATH, limit=3) for one in page]
    assert cut == _contents(Api(ann))
    assert sorted(cut) == [str(number) for number in range(10)]


def test_one_statement(django_assert_num_queries: Any) -> None:
    ann = factories.person()
    factories.say(ann, factories.group(ann), "hello")
    with django_assert_num_queries(1):
        assert _contents(Api(ann)) == ["hello"]
