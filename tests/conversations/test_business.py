"""A business's agents and cases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from conversations.exceptions import Forbidden, Invalid, NotFound
from conversations.models import BusinessAgent, BusinessCase, Conversation, User
from conversations.queries import inbox
from conversations.queries.inbox import InboxFilter
from conversations.services import business, conversations, participants
from tests import factories
from tests.factories import Json, body, frame

pytestmark = pytest.mark.django_db


def _cases(agent: User, **wanted: Any) -> list[UUID]:
    lines = inbox.business_inbox(
        viewer=agent.pk,
        business_id="acme",
        wanted=InboxFilter(archived=None, **wanted),
        limit=50,
    )
    return [line.id for line in lines]


def test_a_case_begins_with_the_customers_words() -> None:
    customer = factories.person()
    room = factories.case(customer, content="help")
    assert [one["content"] for one in factories.said(customer, room)] == ["help"]
    assert factories.roles(room) == {customer.pk: "customer"}


def test_words_that_cannot_be_stored_leave_no_case() -> None:
    with pytest.raises(Invalid):
        factories.case(factories.person(), content="\0")
    assert not Conversation.objects.exists()


def test_an_agent_who_answers_takes_a_seat_and_the_time_is_kept() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer, content="help")
    said = body(factories.say(agent, room, "hello"))
    shown = factories.view(customer, room)
    assert shown is not None
    assert shown["business"]["first_response_at"] == said["sent_at"]
    assert factories.roles(room)[agent.pk] == "agent"


def test_only_the_first_answer_is_the_first_response() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    with factories.heard() as first:
        factories.say(agent, room)
    with factories.heard() as second:
        factories.say(agent, room)
    assert [frame(one)["event"] for one in first] == [
        "participant.joined",
        "message.created",
        "conversation.updated",
    ]
    assert [frame(one)["event"] for one in second] == ["message.created"]


def test_what_a_customer_says_is_no_response() -> None:
    customer = factories.person()
    room = factories.case(customer, content="help")
    factories.say(customer, room)
    assert BusinessCase.objects.get(pk=room).first_response_at is None


def test_a_reply_to_nothing_does_not_seat_an_agent() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    with pytest.raises(Invalid):
        factories.say(agent, room, reply_to=7)
    assert factories.roles(room) == {customer.pk: "customer"}


def test_reading_a_case_seats_an_agent_once() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer, content="help")
    for _ in range(2):
        participants.mark_read(user_id=agent.pk, conversation_id=room, seq=1)
    assert Conversation.objects.get(pk=room).participant_count == 2


def test_an_assignment_is_told_in_the_thread_and_happens_once() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    for _ in range(2):
        business.assign_case(actor_id=agent.pk, conversation_id=room, assignee_id=agent.pk)
    (told,) = factories.said(customer, room)
    assert (told["type"], told["metadata"]) == ("system", {"action": "assign", "assignee": str(agent.pk)})
    assert _cases(agent, assignee=agent.pk) == [room]
    assert _cases(agent, assignee="none") == []


def test_a_case_is_given_to_agents_of_its_business_only() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    for stranger in (customer, factories.agent("other")):
        with pytest.raises(Invalid):
            business.assign_case(actor_id=agent.pk, conversation_id=room, assignee_id=stranger.pk)
    assert not factories.said(customer, room)


def test_customers_do_not_handle_cases_not_even_as_agents_of_the_business() -> None:
    agent = factories.agent()
    room = factories.case(agent)
    with pytest.raises(Forbidden):
        business.set_case_status(actor_id=agent.pk, conversation_id=room, status="resolved")
    with pytest.raises(Forbidden):
        business.assign_case(actor_id=agent.pk, conversation_id=room, assignee_id=agent.pk)


def test_a_resolved_case_has_its_time_until_it_is_opened_again() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    given: Json = {"actor_id": agent.pk, "conversation_id": room}
    business.set_case_status(**given, status="resolved")
    assert BusinessCase.objects.get(pk=room).resolved_at is not None
    business.set_case_status(**given, status="open")
    assert BusinessCase.objects.get(pk=room).resolved_at is None
    assert [one["seq"] for one in factories.said(customer, room)] == [1, 2]


def test_agents_are_named_by_owners_and_staff() -> None:
    new, plain = factories.person(), factories.agent()
    for actor, error in ((plain, Forbidden), (new, NotFound), (factories.agent("other", "owner"), NotFound)):
        with pytest.raises(error):
            business.put_agent(actor=actor, business_id="acme", user_id=new.pk, role="agent")
    for actor in (factories.agent(role="owner"), factories.person(is_staff=True)):
        business.put_agent(actor=actor, business_id="acme", user_id=new.pk, role="owner")
    assert BusinessAgent.objects.get(user=new).role == "owner"


def test_a_dismissed_agent_loses_every_seat_and_everybody_hears_it() -> None:
    customer, agent, chief = factories.person(), factories.agent(), factories.agent(role="owner")
    rooms = [factories.case(customer) for _ in range(2)]
    elsewhere = factories.direct(customer, agent)
    for room in rooms:
        factories.say(agent, room)
    with factories.heard() as envelopes:
        business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
    assert {one["conversation"] for one in envelopes} == {str(room) for room in rooms}
    assert [one["left"] for one in envelopes] == [[str(agent.pk)]] * 2
    assert [one["id"] for one in factories.inbox_of(agent)] == [str(elsewhere)]
    with pytest.raises(NotFound):
        factories.say(agent, rooms[0])


def test_dismissing_keeps_the_seat_of_somebodys_own_case() -> None:
    agent, chief = factories.agent(), factories.agent(role="owner")
    room = factories.case(agent)
    business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
    assert factories.roles(room) == {agent.pk: "customer"}


def test_dismissing_somebody_who_is_no_agent_is_refused() -> None:
    chief = factories.agent(role="owner")
    with pytest.raises(NotFound):
        business.remove_agent(actor=chief, business_id="acme", user_id=factories.person().pk)


def test_a_case_is_not_managed_like_a_group() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    factories.say(agent, room)
    for actor in (customer, agent):
        with pytest.raises(Forbidden):
            participants.add_participants(actor_id=actor.pk, conversation_id=room, user_ids=[agent.pk])
        with pytest.raises(Forbidden):
            conversations.delete_conversation(actor_id=actor.pk, conversation_id=room)


def test_cases_are_found_by_status_label_and_customer() -> None:
    customer, agent = factories.person("Zoë"), factories.agent()
    room, other = factories.case(customer), factories.case(factories.person())
    business.set_case_status(actor_id=agent.pk, conversation_id=room, status="pending")
    BusinessCase.objects.filter(pk=room).update(labels=["billing"])
    assert _cases(agent, status="pending") == _cases(agent, label="billing") == [room]
    assert _cases(agent, search="zO") == [room]
    assert set(_cases(agent)) == {room, other}


def test_sockets_are_told_who_began_and_who_ended_to_answer_for_a_business() -> None:
    new, chief = factories.person(), factories.agent(role="owner")
    given: Json = {"actor": chief, "business_id": "acme", "user_id": new.pk}
    with factories.noticed() as told:
        business.put_agent(**given, role="agent")
        business.put_agent(**given, role="owner")
        business.remove_agent(**given)
    assert told == [(str(new.pk), change, "acme") for change in ("agency_joined", "agency_left")]


def test_a_dismissed_agents_unresolved_cases_belong_to_nobody() -> None:
    customer, agent, chief = factories.person(), factories.agent(), factories.agent(role="owner")
    rooms = [factories.case(customer) for _ in range(3)]
    elsewhere = factories.case(customer, "rival")
    BusinessAgent.objects.create(business_id="rival", user=agent)
    factories.say(agent, rooms[0])
    for room in (*rooms, elsewhere):
        business.assign_case(actor_id=agent.pk, conversation_id=room, assignee_id=agent.pk)
    business.set_case_status(actor_id=agent.pk, conversation_id=rooms[2], status="resolved")
    with factories.heard() as envelopes:
        business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
    assigned = dict(BusinessCase.objects.values_list("conversation", "assignee"))
    assert assigned == {rooms[0]: None, rooms[1]: None, rooms[2]: agent.pk, elsewhere: agent.pk}
    told = [(one["conversation"], frame(one)["event"]) for one in envelopes]
    unassigned = ["conversation.updated", "message.created"]
    assert told == [
        *((str(room), name) for room in rooms[:2] for name in unassigned),
        (str(rooms[0]), "participant.left"),
    ]
    assert frame(envelopes[1])["data"]["metadata"] == {"action": "assign", "assignee": None}
    for room in rooms[:2]:
        versions = [one["version"] or 0 for one in envelopes if one["conversation"] == str(room)]
        assert versions == list(range(versions[0], versions[0] + len(versions)))


def _locked_out(work: Callable[[], object]) -> None:
    """Runs work that has to wait for a lock of this transaction, and does not wait for it."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
            work()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_nobody_is_given_a_case_while_being_dismissed() -> None:
    customer, agent, chief = factories.person(), factories.agent(), factories.agent(role="owner")
    room = factories.case(customer)
    assign = partial(business.assign_case, actor_id=chief.pk, conversation_id=room, assignee_id=agent.pk)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
            with pytest.raises(OperationalError, match="lock timeout"):
                pool.submit(_locked_out, assign).result()
        with pytest.raises(Invalid):
            assign()
    assert BusinessCase.objects.get(pk=room).assignee is None
