"""Messages that people report."""

from typing import Any
from uuid import UUID

import pytest

from conversations.models import Conversation, User
from messaging.models import Report
from messaging.services import messages
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return factories.persons(3)


@pytest.fixture
def room(people: list[User]) -> UUID:
    """A group with one message of the first."""
    made = factories.group(*people)
    factories.say(people[0], made)
    return made


def _report(user: User, room: UUID, **more: object) -> Any:
    return Api(user).post(f"/conversations/{room}/messages/1/report", {"reason": "abuse", **more})


def test_once_a_person(people: list[User], room: UUID) -> None:
    first = read(_report(people[1], room, note="an insult"), 201)
    assert (first["reason"], first["note"]) == ("abuse", "an insult")
    assert read(_report(people[1], room, reason="spam"), 200) == first
    read(_report(people[2], room), 201)
    kept = Report.objects.order_by("pk").values_list("reporter", "reason", "note")
    assert list(kept) == [(people[1].pk, "abuse", "an insult"), (people[2].pk, "abuse", "")]


def test_nobody_else_hears_of_it(people: list[User], room: UUID) -> None:
    with factories.heard() as envelopes:
        read(_report(people[1], room), 201)
    assert (envelopes, Conversation.objects.get(pk=room).version) == ([], 2)


@pytest.mark.parametrize(
    "given",
    [
        {"reason": "boring"},
        {"reason": None},
        {"note": "x" * 1_001},
        {"note": 5},
        {"note": "\0"},
        {"outcome": "dismissed"},
    ],
)
def test_what_is_no_report(people: list[User], room: UUID, given: dict[str, Any]) -> None:
    problem(_report(people[1], room, **given), 400)
    assert not Report.objects.exists()


def test_what_is_not_there_to_report(people: list[User], room: UUID) -> None:
    assert problem(_report(people[0], room), 409)["code"] == "own_message"
    problem(Api(people[1]).post(f"/conversations/{room}/messages/2/report", {"reason": "spam"}), 404)
    messages.delete_message(actor_id=people[0].pk, conversation_id=room, seq=1)
    assert problem(_report(people[1], room), 409)["code"] == "message_deleted"
    assert not Report.objects.exists()
