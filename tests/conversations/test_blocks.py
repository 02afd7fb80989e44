"""Not wanting to hear from somebody."""

from typing import Any
from uuid import UUID

import pytest

from conversations.exceptions import Forbidden
from conversations.models import Block, Conversation, User
from conversations.services import blocks
from messaging.models import Message
from messaging.services import messages
from messaging.services.pins import pin
from messaging.services.reactions import react
from tests import factories
from tests.api import Api, pages, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


@pytest.fixture
def bob(ann: User) -> User:
    """Somebody whom ann has blocked."""
    made = factories.person("bob")
    blocks.block(user_id=ann.pk, blocked_id=made.pk)
    return made


def _path(user: User) -> str:
    return f"/users/me/blocks/{user.pk}"


def _listed(user: User, **query: object) -> list[str]:
    return [one["id"] for page in pages(Api(user), "/users/me/blocks", **query) for one in page]


def test_blocking_and_hearing_again(ann: User) -> None:
    people = factories.persons(5)
    for person in [*people, people[0]]:
        read(Api(ann).put(_path(person)), 204)
    assert _listed(ann, limit=2) == sorted(str(person.pk) for person in people)
    for _ in range(2):
        read(Api(ann).delete(_path(people[0])), 204)
    assert len(_listed(ann)) == 4
    assert _listed(people[0]) == []


def test_who_cannot_be_blocked(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problem(Api(ann).put(_path(ann)), 400)["errors"][0]["code"] == "self"
    problem(Api(ann).put(f"/users/me/blocks/{factories.unsaved(1)}"), 404)
    monkeypatch.setattr(blocks, "MAX_BLOCKS", 1)
    first, second = factories.persons(2)
    read(Api(ann).put(_path(first)), 204)
    assert problem(Api(ann).put(_path(second)), 409)["code"] == "too_many_blocks"
    read(Api(ann).put(_path(first)), 204)
    assert _listed(ann) == [str(first.pk)]


def _opened(one: User, other: User) -> Any:
    return Api(one).post("/conversations", {"type": "direct", "participant_ids": [str(other.pk)]})


def test_who_is_blocked_opens_nothing_and_the_other_may(ann: User, bob: User) -> None:
    assert problem(_opened(bob, ann), 403)["code"] == "blocked"
    assert not Conversation.objects.exists()
    read(_opened(ann, bob), 201)
    problem(_opened(bob, ann), 403)


def _say(user: User, room: UUID, **more: object) -> Any:
    return Api(user).post(f"/conversations/{room}/messages", {"content": "hi", **more})


def test_who_is_blocked_says_nothing_there_and_the_other_may(ann: User, bob: User) -> None:
    room = factories.direct(ann, bob)
    with factories.heard() as envelopes:
        assert problem(_say(bob, room), 403)["code"] == "blocked"
    assert (envelopes, Conversation.objects.get().version) == ([], 1)
    read(_say(ann, room), 201)
    blocks.unblock(user_id=ann.pk, blocked_id=bob.pk)
    read(_say(bob, room), 201)


def test_what_was_said_before_is_still_acknowledged(ann: User) -> None:
    cat = factories.person()
    room = factories.direct(ann, cat)
    first = read(_say(cat, room, client_id="1"), 201)
    blocks.block(user_id=ann.pk, blocked_id=cat.pk)
    assert read(_say(cat, room, client_id="1"), 200) == first
    problem(_say(cat, room, client_id="2"), 403)


def test_neither_edits_nor_reactions_nor_pins_reach_the_other(ann: User, bob: User) -> None:
    room = factories.direct(ann, bob)
    blocks.unblock(user_id=ann.pk, blocked_id=bob.pk)
    factories.say(bob, room, "first")
    blocks.block(user_id=ann.pk, blocked_id=bob.pk)
    there: Any = {"actor_id": bob.pk, "conversation_id": room, "seq": 1}
    for refused in (
        lambda: messages.edit_message(**there, content="other words"),
        lambda: react(**there, emoji="\N{THUMBS UP SIGN}", on=True),
        lambda: pin(**there, on=True),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert Conversation.objects.get(pk=room).version == 2
    messages.delete_message(**there)
    assert Message.objects.get().content == ""


def test_in_groups_and_to_others_they_speak_as_before(ann: User, bob: User) -> None:
    read(_say(bob, factories.group(ann, bob)), 201)
    read(_say(bob, factories.direct(bob, factories.person())), 201)


@pytest.mark.django_db(transaction=True)
def test_sending_to_a_direct_conversation_is_still_one_statement(django_assert_num_queries: Any) -> None:
    ann, cat = factories.persons(2)
    room, api = factories.direct(ann, cat), Api(ann)
    blocks.block(user_id=ann.pk, blocked_id=cat.pk)
    with django_assert_num_queries(1):
        read(api.post(f"/conversations/{room}/messages", {"content": "hi"}), 201)
    assert Block.objects.count() == 1


def test_one_statement(ann: User, django_assert_num_queries: Any) -> None:
    for number in range(3):
        with django_assert_num_queries(1):
            assert len(read(Api(ann).get("/users/me/blocks"))["results"]) == number
        blocks.block(user_id=ann.pk, blocked_id=factories.person().pk)
