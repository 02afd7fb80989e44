"""Whose presence one may know, and what Redis and PostgreSQL hold of it."""

from uuid import uuid4

import pytest
from django.utils import timezone

from conversations import access, presence
from conversations.models import LastSeen, User
from conversations.queries import presence as queries
from conversations.services import business, conversations, participants
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db


def knows(viewer: User, *users: User) -> list[bool]:
    known = access.people_known_to(viewer_id=viewer.pk, user_ids=[user.pk for user in users])
    return [user.pk in known for user in users]


def test_who_shares_a_live_conversation() -> None:
    ann, ben, eve = factories.persons(3)
    assert knows(ann, ann, ben, eve) == [True, False, False]
    room = factories.group(ann, ben)
    assert [knows(ann, ben, eve), knows(ben, ann), knows(eve, ann)] == [[True, False], [True], [False]]
    participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ben.pk)
    assert [knows(ann, ben), knows(ben, ann)] == [[False], [False]]
    room = factories.group(ann, ben)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    assert knows(ann, ben) == [False]
    factories.direct(ann, ben)
    assert knows(ann, ben) == [True]
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert [knows(ann, ben), knows(ben, ann)] == [[False], [False]]


def test_who_shares_a_business() -> None:
    agent, colleague, rival = factories.agent(), factories.agent(), factories.agent("other")
    customer, staff = factories.person(), factories.person(is_staff=True)
    room = factories.case(customer, content="help")
    assert knows(agent, colleague, rival, customer) == [True, False, True]
    assert [knows(rival, customer), knows(customer, agent), knows(staff, agent)] == [[False]] * 3
    factories.say(agent, room)
    assert knows(customer, agent, colleague) == [True, False]
    business.remove_agent(actor=staff, business_id="acme", user_id=agent.pk)
    assert [knows(agent, colleague, customer), knows(customer, agent)] == [[False, False], [False]]


def test_the_endpoint() -> None:
    ann, ben, eve = factories.persons(3)
    factories.direct(ann, ben)
    queries.save_seen({ben.pk: 60.0})
    process = uuid4().hex
    presence.announce(process, {str(ben.pk): "away", str(eve.pk): "online"})
    seen_at = LastSeen.objects.get().seen_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    asked = ",".join(map(str, (eve.pk, uuid4(), ben.pk, ben.pk, ann.pk)))
    assert read(Api(ann).get("/users/presence", ids=asked)) == [
        {"id": str(ben.pk), "status": "away", "last_seen_at": seen_at},
        {"id": str(ann.pk), "status": "offline", "last_seen_at": None},
    ]
    assert read(Api(ann).get("/users/presence", ids=eve.pk)) == []


@pytest.mark.parametrize("ids", [None, "", "x", ",", f"{uuid4()},", ",".join([str(uuid4())] * 101)])
def test_ids_that_are_none(ids: str | None) -> None:
    given = {} if ids is None else {"ids": ids}
    problem(Api(factories.person()).get("/users/presence", **given), 400)


def test_the_best_of_several_processes_counts_and_a_process_that_ended_does_not() -> None:
    user, one, other = str(uuid4()), uuid4().hex, uuid4().hex
    presence.announce(one, {user: "away"})
    assert presence.statuses([user]) == {user: "away"}
    presence.announce(other, {user: "online"})
    assert presence.statuses([user]) == {user: "online"}
    presence.announce(other, {user: "offline"})
    assert presence.statuses([user]) == {user: "away"}
    assert presence.beat(one)
    presence.announce(one, {}, whole=True)
    assert presence.statuses([user]) == {}
    assert not presence.beat(uuid4().hex)


def test_last_seen_never_moves_back_and_passes_over_the_unknown() -> None:
    ann, ben = factories.persons(2)
    queries.save_seen({ann.pk: 10.0, ben.pk: 20.0, uuid4(): 0.0})
    queries.save_seen({ann.pk: 30.0, ben.pk: 0.0})
    ages = {seen.user_id: (timezone.now() - seen.seen_at).total_seconds() for seen in LastSeen.objects.all()}
    assert ages.keys() == {ann.pk, ben.pk}
    assert ages[ben.pk] < 10 <= ages[ann.pk] < 30
