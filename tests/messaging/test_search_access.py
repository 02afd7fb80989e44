"""Nothing is found that one may not read, and all that one may."""

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.exceptions import ChatError
from conversations.models import User
from conversations.services import business, conversations, participants
from messaging.models import Message
from messaging.queries import history
from messaging.queries import search as queries
from messaging.queries.history import Window
from messaging.queries.search import Search
from messaging.services import messages
from tests import factories
from tests.api import Api, problem
from tests.messaging.finding import alone, ask, examples, found

pytestmark = pytest.mark.django_db


WORDS = ("apple", "pear")
ACTS = ("say", "say", "say", "edit", "delete", "leave", "join", "dismiss", "name", "end", "close")


class World:
    """People, an agent, and conversations of every kind, in which things happen or are refused."""

    def __init__(self) -> None:
        ann, bob, cid = self.people = factories.persons(3)
        self.business = f"shop-{ann.username}"
        self.agent, self.boss = factories.agent(self.business), factories.agent(self.business, role="owner")
        self.rooms = [
            factories.group(ann, bob),
            factories.group(cid, bob),
            factories.direct(ann, cid),
            factories.case(bob, self.business, content="apple"),
        ]
        self.viewers = [*self.people, self.agent, self.boss, factories.person()]

    def do(self, act: str, person: int, room: int, word: str) -> None:
        who, where = self.people[person].pk, self.rooms[room]
        owner = (self.people[0], self.people[2])[room % 2].pk
        own = Message.objects.filter(conversation=where, sender=who, type="text", deleted_at=None)
        seq = own.order_by("-seq").values_list("seq", flat=True).first() or 1
        message: Any = {"conversation_id": where, "seq": seq}
        agent: Any = {"actor": self.boss, "business_id": self.business, "user_id": self.agent.pk}
        with suppress(ChatError):
            match act:
                case "say":
                    messages.send_message(sender_id=who, conversation_id=where, content=f"{word} pie")
                case "edit":
                    messages.edit_message(actor_id=who, **message, content=f"{word} cake")
                case "delete":
                    messages.delete_message(actor_id=who, **message)
                case "leave":
                    participants.leave(user_id=who, conversation_id=where)
                case "join":
                    participants.add_participants(actor_id=owner, conversation_id=where, user_ids=[who])
                case "dismiss":
                    business.remove_agent(**agent)
                case "name":
                    business.put_agent(**agent, role="agent")
                case "end":
                    conversations.delete_conversation(actor_id=owner, conversation_id=where)
                case "close":
                    User.objects.filter(pk=who).update(is_active=False)

    def readable(self, viewer: User, word: str) -> set[tuple[UUID, int]]:
        """What this person's histories show that has the word: read message by message."""
        return {
            (room, one["seq"])
            for room in self.rooms
            if history.message_history(viewer=viewer.pk, conversation_id=room, window=Window(1))
            for one in factories.said(viewer, room)
            if word in one["content"].split() and one["type"] != "system"
        }


acts = st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 3), st.sampled_from(WORDS))


@settings(examples, max_examples=15)
@given(happened=st.lists(acts, max_size=25))
def test_people_find_exactly_what_they_may_read(happened: list[tuple[str, int, int, str]]) -> None:
    world = World()
    for act in happened:
        world.do(*act)
    for viewer in world.viewers:
        for word in WORDS:
            ways = [set(ask(viewer, q)) for q in (word, f"{word} {word}")]  # looked up at once, and walked
            assert ways == [world.readable(viewer, word)] * 2
            assert ways[0] == _indexed(world, viewer, word)
            for room in world.rooms:
                there = {place for place in world.readable(viewer, word) if place[0] == room}
                assert set(ask(viewer, word, conversation=room)) == there


def _indexed(world: World, viewer: User, word: str) -> set[tuple[UUID, int]]:
    """What the index of words finds that was told of every conversation there is."""
    wanted = Search(viewer=viewer.pk, query=f"'{word}'", depth=200, limit=200)
    return {(hit.conversation, hit.seq) for hit in queries.indexed(wanted, conversations=world.rooms).hits}


def test_an_absent_and_a_forbidden_conversation_look_alike() -> None:
    ann = alone("hello")
    foreign = factories.group(factories.person())
    for room in (foreign, uuid4()):
        assert (
            problem(Api(ann).get("/search/messages", q="hello", conversation=room), 404)["code"]
            == "not_found"
        )


def test_somebody_without_conversations_finds_nothing() -> None:
    assert found(factories.person(), "hello") == []
