"""Events as three facts: how many, to whom, what. And what becomes of them when something fails."""

import logging
import threading
import time
from typing import Any
from uuid import UUID

import orjson
import pytest
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import transaction
from django.test import TestCase

from chatbackend.embedded.processes import free_port
from conversations import events
from conversations.events import Envelope, Event, Post, groups_of, user_group
from conversations.models import User
from conversations.queries import people
from conversations.services import business, conversations, participants
from messaging import events as speech
from messaging.services import bulk, messages
from tests import factories
from tests.factories import Json, frame

pytestmark = pytest.mark.django_db


def _audience(envelope: Envelope) -> tuple[list[str], list[str], str | None]:
    return envelope["joined"], envelope["left"], envelope["business"]


def _names(envelopes: list[Envelope]) -> list[str]:
    return [frame(one)["event"] for one in envelopes]


def _only(envelopes: list[Envelope]) -> tuple[Envelope, Json]:
    (envelope,) = envelopes
    assert "\n" not in envelope["frame"]
    return envelope, frame(envelope)


def _facts(room: UUID) -> Json:
    found: Json = orjson.loads(people.facts(room))
    return found


def _participant(room: UUID, user: User) -> Json:
    found: Json = orjson.loads(people.participant(conversation_id=room, user_id=user.pk))
    return found


def _trio() -> tuple[User, User, User, UUID]:
    ann, ben, cat = factories.persons(3)
    return ann, ben, cat, factories.group(ann, ben)


def test_a_creation_reaches_each_of_the_first_participants() -> None:
    ann, ben = factories.persons(2)
    with factories.heard() as envelopes:
        room = factories.direct(ann, ben)
    envelope, told = _only(envelopes)
    everybody = [str(ann.pk), str(ben.pk)]
    assert _audience(envelope) == (everybody, [], None)
    assert groups_of(envelope) == [
        f"conversation.{room}",
        *dict.fromkeys(user_group(str(user)) for user in everybody),
    ]
    assert told == {
        "event": "conversation.created",
        "conversation": str(room),
        "version": 1,
        "prev": 0,
        "data": _facts(room),
    }


def test_a_message_reaches_the_conversation_as_the_sender_reads_it() -> None:
    ann, _, _, room = _trio()
    with factories.heard() as envelopes:
        said = factories.say(ann, room, "one\ntwo \u2028")
    envelope, told = _only(envelopes)
    assert _audience(envelope) == ([], [], None)
    assert groups_of(envelope) == [f"conversation.{room}"]
    assert (told["event"], told["version"], told["prev"]) == ("message.created", 2, 1)
    assert told["data"] == factories.body(said) == factories.said(ann, room)[0]
    assert said.body in envelope["frame"]


def test_a_message_sent_again_is_told_once() -> None:
    ann, _, _, room = _trio()
    factories.say(ann, room, client_id="1")
    with factories.heard() as envelopes:
        assert factories.say(ann, room, client_id="1").duplicate
    assert envelopes == []


def test_a_reply_tells_of_itself_and_then_of_what_it_answers() -> None:
    ann, _, _, room = _trio()
    factories.say(ann, room)
    with factories.heard() as envelopes:
        factories.say(ann, room, reply_to=1)
    assert _names(envelopes) == ["message.created", "message.updated"]
    parent = frame(envelopes[1])["data"]
    assert (parent["seq"], parent["reply_count"]) == (1, 1)


def test_edits_and_deletions_carry_the_message_as_it_now_stands() -> None:
    ann, _, _, room = _trio()
    factories.say(ann, room)
    given: Json = {"actor_id": ann.pk, "conversation_id": room, "seq": 1}
    with factories.heard() as envelopes:
        messages.edit_message(**given, content="better")
        messages.edit_message(**given, content="better")
        messages.delete_message(**given)
        messages.delete_message(**given)
    assert _names(envelopes) == ["message.updated", "message.deleted"]
    assert [frame(one)["data"]["content"] for one in envelopes] == ["better", ""]


def test_somebody_brought_in_hears_of_it_themselves() -> None:
    ann, _, cat, room = _trio()
    with factories.heard() as envelopes:
        participants.add_participants(actor_id=ann.pk, conversation_id=room, user_ids=[cat.pk])
    envelope, told = _only(envelopes)
    assert _audience(envelope) == ([str(cat.pk)], [], None)
    assert user_group(str(cat.pk)) in groups_of(envelope)
    assert (told["event"], told["data"]) == ("participant.joined", _participant(room, cat))


@pytest.mark.parametrize("how", ["leave", "remove"])
def test_somebody_gone_hears_of_it_as_the_last_thing(how: str) -> None:
    ann, ben, _, room = _trio()
    with factories.heard() as envelopes:
        if how == "leave":
            participants.leave(user_id=ben.pk, conversation_id=room)
        else:
            participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ben.pk)
    envelope, told = _only(envelopes)
    assert _audience(envelope) == ([], [str(ben.pk)], None)
    assert (told["event"], told["data"]["user"]["id"]) == ("participant.left", str(ben.pk))


def test_a_role_is_told_with_its_holder() -> None:
    ann, ben, _, room = _trio()
    with factories.heard() as envelopes:
        participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="admin")
    envelope, told = _only(envelopes)
    assert _audience(envelope) == ([], [], None)
    assert (told["event"], told["data"]) == ("participant.updated", _participant(room, ben))


def test_a_new_name_is_told_with_the_facts() -> None:
    ann, _, _, room = _trio()
    with factories.heard() as envelopes:
        conversations.update_conversation(actor_id=ann.pk, conversation_id=room, name="den")
    _, told = _only(envelopes)
    assert (told["event"], told["data"]) == ("conversation.updated", _facts(room))


def test_a_deletion_is_the_last_thing_everybody_hears() -> None:
    ann, ben, _, room = _trio()
    with factories.heard() as envelopes:
        conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    envelope, told = _only(envelopes)
    assert sorted(envelope["left"]) == sorted([str(ann.pk), str(ben.pk)])
    assert (told["event"], told["data"]) == ("conversation.deleted", {"id": str(room)})


def test_what_happens_in_a_case_reaches_the_agents_of_its_business() -> None:
    customer, agent = factories.person(), factories.agent()
    with factories.heard() as envelopes:
        room = factories.case(customer, content="help")
        factories.say(agent, room)
        business.assign_case(actor_id=agent.pk, conversation_id=room, assignee_id=agent.pk)
    assert {one["business"] for one in envelopes} == {"acme"}
    assert all("business.acme" in groups_of(one) for one in envelopes)
    assert _names(envelopes) == [
        "conversation.created",
        "message.created",
        "participant.joined",
        "message.created",
        "conversation.updated",
        "conversation.updated",
        "message.created",
    ]
    versions = [one["version"] for one in envelopes]
    assert versions == list(range(1, 8))


def test_a_batch_tells_of_each_message_in_order() -> None:
    ann, ben, _, room = _trio()
    then = factories.seat(ann, room).joined_at
    lines = [bulk.Line(user.pk, "x", then, str(number)) for number, user in enumerate([ann, ben, ann])]
    with factories.heard() as envelopes:
        bulk.add_batch(conversation_id=room, lines=lines)
        bulk.add_batch(conversation_id=room, lines=lines)
    assert [frame(one)["data"]["seq"] for one in envelopes] == [1, 2, 3]


def test_many_at_once_travel_together() -> None:
    ann, _, _, room = _trio()
    then = factories.seat(ann, room).joined_at
    lines = [bulk.Line(ann.pk, "x", then, str(number)) for number in range(45)]
    posts: list[Post] = []
    events.listen(posts.append)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            bulk.add_batch(conversation_id=room, lines=lines)
    finally:
        events.unlisten(posts.append)
    assert [len(events.events_of(post)) for post in posts] == [20, 20, 5]
    assert [one["version"] for post in posts for one in events.events_of(post)] == list(range(2, 47))
    assert {tuple(groups_of(post)) for post in posts} == {(f"conversation.{room}",)}


def test_reading_is_told_in_passing() -> None:
    ann, ben, _, room = _trio()
    factories.say(ben, room)
    with factories.heard() as envelopes:
        participants.mark_read(user_id=ann.pk, conversation_id=room, seq=1)
        participants.mark_read(user_id=ann.pk, conversation_id=room, seq=1)
    envelope, told = _only(envelopes)
    assert (envelope["version"], envelope["prev"]) == (None, None)
    assert told == {"event": "read", "conversation": str(room), "user": str(ann.pk), "seq": 1}


def test_typing_is_told_at_once_and_without_a_statement(django_assert_num_queries: Any) -> None:
    ann, room = factories.unsaved(1), factories.unsaved(2)
    with factories.heard(commit=False) as envelopes, django_assert_num_queries(0):
        speech.typing(room, ann, on=True)
    assert _only(envelopes)[1] == {"event": "typing", "conversation": str(room), "user": str(ann), "on": True}


def test_typing_in_a_case_reaches_the_agents_of_its_business() -> None:
    with factories.heard(commit=False) as envelopes:
        speech.typing(factories.unsaved(2), factories.unsaved(1), on=True, business_id="acme")
    assert _only(envelopes)[0]["business"] == "acme"


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_was_never_told() -> None:
    ann, _, _, room = _trio()
    with factories.heard(commit=False) as envelopes:
        with transaction.atomic():
            factories.say(ann, room)
            assert envelopes == []
            transaction.set_rollback(True)
        assert envelopes == []
        factories.say(ann, room)
    assert frame(envelopes[0])["data"]["seq"] == 1


def _fail(envelope: Post) -> None:
    raise RuntimeError("a listener's own fault")


@pytest.mark.django_db(transaction=True)
def test_a_failing_listener_harms_neither_caller_nor_others(caplog: pytest.LogCaptureFixture) -> None:
    ann, _, _, room = _trio()
    later: list[str] = []
    events.listen(_fail)
    try:
        with factories.heard(commit=False) as envelopes, transaction.atomic():
            factories.say(ann, room)
            transaction.on_commit(lambda: later.append("ran"))
    finally:
        events.unlisten(_fail)
    assert (len(envelopes), later) == (1, ["ran"])
    assert [record.message for record in caplog.records] == ["A listener failed"]


class _Broken(events._Outlet):
    def send(self, envelope: Post) -> None:
        raise RuntimeError("no way out")


@pytest.mark.django_db(transaction=True)
def test_an_outlet_that_fails_harms_neither_caller_nor_later_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, _, _, room = _trio()
    monkeypatch.setattr(events, "_current", _Broken())
    later: list[str] = []
    with transaction.atomic():
        factories.say(ann, room)
        transaction.on_commit(lambda: later.append("ran"))
    assert later == ["ran"]


def _await(condition: Any) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_without_redis_publishing_returns_at_once_and_complains_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _await(lambda: events._outlet()._waiting == 0)  # what earlier tests sent
    away = RedisPubSubChannelLayer(hosts=[f"redis://127.0.0.1:{free_port()}/0"])
    monkeypatch.setitem(channel_layers.backends, "default", away)
    outlet = events._Outlet()
    monkeypatch.setattr(events, "_current", outlet)
    event = Event(name="message.created", conversation=factories.unsaved(1), version=2, prev=1, data="{}")
    held = threading.Event()
    outlet._loop.call_soon_threadsafe(held.wait, 10)
    with caplog.at_level(logging.WARNING), factories.heard() as envelopes:
        events.publish(*[event] * 100)
    assert outlet._waiting == 100  # publishing is over, and nothing was sent
    held.set()
    _await(lambda: outlet._waiting == 0)
    assert len(envelopes) == 100
    lines = [record.message for record in caplog.records if record.name == "conversations.events"]
    assert lines == ["The channel layer is away (ConnectionError); delivery falls back to PostgreSQL"]
