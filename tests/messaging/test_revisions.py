"""What a message said before it was edited."""

from typing import Any
from uuid import UUID

import pytest

from conversations.exceptions import ChatError
from conversations.models import User
from messaging import limits
from messaging.models import Message, Revision
from messaging.services import messages
from tests import factories
from tests.api import Api, pages, problem, read
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return factories.persons(2)


@pytest.fixture
def room(people: list[User]) -> UUID:
    """A group of an owner and a member, with three wordings of the member's one message."""
    made = factories.group(*people)
    factories.say(people[1], made, "one")
    for words in ("two", "three", "three"):
        edit(people[1], made, words)
    return made


def edit(user: User, room: UUID, words: str) -> None:
    messages.edit_message(actor_id=user.pk, conversation_id=room, seq=1, content=words)


def path(room: UUID) -> str:
    return f"/conversations/{room}/messages/1/history"


def test_each_wording_until_the_next(people: list[User], room: UUID) -> None:
    one, two = read(Api(people[0]).get(path(room)))["results"]
    shown = factories.said(people[0], room)[0]
    assert [(each["content"], each["version"]) for each in (one, two)] == [("one", 3), ("two", 4)]
    assert one["written_at"] == shown["sent_at"]
    assert one["replaced_at"] == two["written_at"] < two["replaced_at"] == shown["edited_at"]


def test_page_by_page(people: list[User], room: UUID) -> None:
    edit(people[1], room, "four")
    edit(people[1], room, "five")
    found = [[one["content"] for one in page] for page in pages(Api(people[0]), path(room), limit=3)]
    assert found == [["one", "two", "three"], ["four"]]


def test_so_many_edits_and_no_more(people: list[User], room: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room's message was edited twice; nothing of it makes room for new words."""
    monkeypatch.setattr(limits, "MAX_EDITS", 3)
    edit(people[1], room, "four")
    refused = Api(people[1]).patch(f"/conversations/{room}/messages/1", {"content": "five"})
    assert problem(refused, 409)["code"] == "too_many_edits"
    edit(people[1], room, "four")  # the same again changes nothing
    assert factories.said(people[0], room)[0]["content"] == "four"
    assert [one["content"] for one in read(Api(people[0]).get(path(room)))["results"]] == [
        "one",
        "two",
        "three",
    ]
    messages.delete_message(actor_id=people[1].pk, conversation_id=room, seq=1)


def test_of_a_deleted_message_nobody_reads_anything(people: list[User], room: UUID) -> None:
    staff = factories.person(is_staff=True)
    assert len(read(Api(staff).get(path(room)))["results"]) == 2
    messages.delete_message(actor_id=people[1].pk, conversation_id=room, seq=1)
    for reader in (people[0], staff):
        assert read(Api(reader).get(path(room)))["results"] == []
    assert not Revision.objects.exists()


def test_the_two_of_a_direct_conversation_do_not_moderate_each_other(people: list[User]) -> None:
    room = factories.direct(*people)
    factories.say(people[0], room, "one")
    edit(people[0], room, "two")
    for reader in people:
        problem(Api(reader).get(path(room)), 403)


def test_what_is_refused_keeps_nothing(people: list[User], room: UUID) -> None:
    with pytest.raises(ChatError):
        edit(people[0], room, "not mine")
    with pytest.raises(ChatError):
        edit(people[1], room, "\0")
    assert Revision.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_edits_at_once_keep_both_wordings() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    factories.say(ann, room, "one")
    with holding(room):
        rival = Rival(edit, user=ann, room=room, words="three").await_blocked()
        edit(ann, room, "two")
    rival.result()
    assert list(Revision.objects.order_by("version").values_list("content", flat=True)) == ["one", "two"]
    assert Message.objects.get().content == "three"


def test_one_statement(people: list[User], room: UUID, django_assert_num_queries: Any) -> None:
    for words in ("four", "five"):
        with django_assert_num_queries(1):
            read(Api(people[0]).get(path(room)))
        edit(people[1], room, words)
