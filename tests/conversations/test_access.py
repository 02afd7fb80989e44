"""Who sees a conversation: the queryset, the fetch, the view, the inbox and the history give one answer."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import pytest

from conversations import access
from conversations.exceptions import NotFound, Unauthenticated
from conversations.models import Conversation, User
from conversations.queries import inbox
from conversations.services import business, conversations, participants
from messaging.queries import changes, history
from messaging.queries.history import Window
from tests import factories
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db

CALLERS = {
    "owner": True,
    "member": True,
    "outsider": False,
    "left": False,
    "removed": False,
    "inactive member": False,
    "customer": True,
    "agent with a seat": True,
    "agent without a seat": True,
    "agent who left": True,
    "agent of another business": False,
    "dismissed agent with a seat": False,
    "dismissed agent without a seat": False,
    "inactive agent": False,
    "member of a deleted group": False,
    "owner of a deleted group": False,
}


class Place(NamedTuple):
    """Somebody and the conversation they ask for."""

    user: User
    room: UUID


def _group(caller: str) -> Place:
    owner, member, other = factories.persons(3)
    room = factories.group(owner, member)
    factories.say(owner, room)
    if caller == "left":
        participants.leave(user_id=member.pk, conversation_id=room)
    if caller == "removed":
        participants.remove_participant(actor_id=owner.pk, conversation_id=room, user_id=member.pk)
    if "deleted" in caller:
        conversations.delete_conversation(actor_id=owner.pk, conversation_id=room)
    if "inactive" in caller:
        User.objects.filter(pk=member.pk).update(is_active=False)
    return Place(owner if "owner" in caller else other if caller == "outsider" else member, room)


def _case(caller: str) -> Place:
    customer, agent = factories.person(), factories.agent("acme")
    room = factories.case(customer, "acme", "help")
    if caller == "customer":
        return Place(customer, room)
    if "another" in caller:
        return Place(factories.agent("other"), room)
    if "without" not in caller:
        factories.say(agent, room)
    if "left" in caller:
        participants.leave(user_id=agent.pk, conversation_id=room)
    if "dismissed" in caller:
        chief = factories.agent("acme", "owner")
        business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
    if "inactive" in caller:
        User.objects.filter(pk=agent.pk).update(is_active=False)
    return Place(agent, room)


def _place(caller: str) -> Place:
    return _case(caller) if "agent" in caller or caller == "customer" else _group(caller)


def _fetched(user: User, room: UUID, *, lock: bool) -> bool:
    try:
        access.get_conversation(user_id=user.pk, conversation_id=room, lock=lock)
    except NotFound:
        return False
    return True


WAYS: dict[str, Callable[[User, UUID], bool]] = {
    "queryset": lambda user, room: Conversation.objects.visible_to(user.pk).filter(pk=room).exists(),
    "fetch": lambda user, room: _fetched(user, room, lock=False),
    "fetch and lock": lambda user, room: _fetched(user, room, lock=True),
    "view": lambda user, room: factories.view(user, room) is not None,
    "head": lambda user, room: changes.head(viewer=user.pk, conversation_id=room) is not None,
    "message": lambda user, room: history.message(viewer=user.pk, conversation_id=room, seq=1) is not None,
    "history": lambda user, room: (
        history.message_history(viewer=user.pk, conversation_id=room, window=Window(10)) is not None
    ),
    "history of a type": lambda user, room: (
        history.message_history(viewer=user.pk, conversation_id=room, window=Window(10, type="text"))
        is not None
    ),
    "moved": lambda user, room: (
        changes.moved(viewer=user.pk, cursors={room: 0}, only_named=True)[0].version > 0
    ),
}


@pytest.mark.parametrize("caller", CALLERS)
def test_every_way_to_a_conversation_is_open_to_the_same_people(caller: str) -> None:
    place = _place(caller)
    assert {way: ask(*place) for way, ask in WAYS.items()} == dict.fromkeys(WAYS, CALLERS[caller])


@pytest.mark.parametrize("caller", CALLERS)
def test_what_lists_show_is_what_one_has_a_seat_in(caller: str) -> None:
    user, room = _place(caller)
    seated = CALLERS[caller] and "without" not in caller and caller != "agent who left"
    assert [one["id"] for one in factories.inbox_of(user)] == [str(room)] * seated
    assert list(inbox.heads(viewer=user.pk)) == [room] * seated


@pytest.mark.parametrize("caller", [caller for caller in CALLERS if "agent" in caller])
def test_a_business_shows_its_cases_to_its_agents_only(caller: str) -> None:
    user, room = _place(caller)
    lines = inbox.business_inbox(viewer=user.pk, business_id="acme", wanted=inbox.InboxFilter(), limit=10)
    assert [line.id for line in lines] == [room] * CALLERS[caller]


def test_an_unknown_conversation_looks_like_a_forbidden_one() -> None:
    user = factories.person()
    with pytest.raises(NotFound):
        access.get_conversation(user_id=user.pk, conversation_id=factories.unsaved(1))


def test_a_closed_account_is_told_apart_from_one_that_asks_for_too_much() -> None:
    gone = factories.person(is_active=False)
    with pytest.raises(Unauthenticated):
        access.require_active(gone.pk)


def test_a_closed_account_has_no_totals() -> None:
    gone = factories.person(is_active=False)
    assert inbox.unread_totals(viewer=gone.pk) is None


def test_the_seat_says_the_role_also_where_its_holder_is_an_agent() -> None:
    agent = factories.agent("acme")
    room = factories.case(agent, "acme")
    assert access.get_conversation(user_id=agent.pk, conversation_id=room).role == "customer"


def test_an_agent_who_gave_up_a_customers_seat_sees_the_case_as_an_agent() -> None:
    agent = factories.agent("acme")
    room = factories.case(agent, "acme")
    participants.leave(user_id=agent.pk, conversation_id=room)
    shown = factories.view(agent, room)
    assert shown is not None
    assert (shown["membership"]["role"], shown["membership"]["joined_at"]) == ("agent", None)
    assert access.get_conversation(user_id=agent.pk, conversation_id=room).role == "agent"


@pytest.mark.django_db(transaction=True)
def test_a_customer_who_leaves_while_another_request_waits_does_not_become_an_agent() -> None:
    customer = factories.person()
    room = factories.case(customer)
    with holding(room):
        rival = Rival(
            business.set_case_status, actor_id=customer.pk, conversation_id=room, status="resolved"
        ).await_blocked()
        participants.leave(user_id=customer.pk, conversation_id=room)
    with pytest.raises(NotFound):
        rival.result()


@pytest.mark.django_db(transaction=True)
def test_an_agent_dismissed_while_taking_a_seat_does_not_keep_it() -> None:
    customer, agent = factories.person(), factories.agent()
    chief, room = factories.agent(role="owner"), factories.case(customer)
    with holding(room):
        rival = Rival(participants.seated, user_id=agent.pk, conversation_id=room).await_blocked()
        dismissal = Rival(
            business.remove_agent, actor=chief, business_id="acme", user_id=agent.pk
        ).await_blocked()
    assert rival.result().role == "agent"
    dismissal.result()
    assert factories.roles(room) == {customer.pk: "customer"}
