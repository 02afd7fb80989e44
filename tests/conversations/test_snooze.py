"""Cases that sleep, and what wakes them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from conversations import jobs, tasks
from conversations.models import BusinessCase, Conversation, User
from conversations.services.business import set_case_status, snooze_case
from messaging.queries import changes
from messaging.services import messages
from tests import factories
from tests.api import Api, problem, read
from tests.factories import frame
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def agent() -> User:
    return factories.agent()


@pytest.fixture
def customer() -> User:
    return factories.person("customer")


@pytest.fixture
def case(customer: User, agent: User) -> UUID:
    made = factories.case(customer, content="help")
    factories.say(agent, made, "How?")
    return made


def asleep(case: UUID) -> bool:
    return BusinessCase.objects.get(pk=case).snoozed_until is not None


def snooze(agent: User, case: UUID, until: datetime | None) -> Any:
    given = {"until": until and until.isoformat()}
    return read(Api(agent).post(f"/conversations/{case}/snooze", given))["business"]["snoozed_until"]


def listed(agent: User, snoozed: str) -> list[str]:
    found = read(Api(agent).get("/business/acme/conversations", snoozed=snoozed))
    return [one["id"] for one in found["results"]]


def test_it_sleeps_until_its_time(agent: User, case: UUID) -> None:
    until = timezone.now() + HOUR
    before = Conversation.objects.get(pk=case)
    with factories.heard() as heard:
        told = snooze(agent, case, until)
        assert snooze(agent, case, until) == told  # changes nothing
    assert datetime.fromisoformat(told) == until
    (one,) = [frame(envelope) for envelope in heard]
    assert (one["event"], one["version"], one["data"]["business"]["snoozed_until"]) == (
        "conversation.updated", before.version + 1, told,
    )  # fmt: skip
    assert (listed(agent, "true"), listed(agent, "false")) == ([str(case)], [])
    assert listed(agent, "") == [str(case)]
    assert Conversation.objects.get(pk=case).last_seq == before.last_seq  # the thread does not tell it
    assert tasks.wake_cases() == 0
    with factories.heard() as heard:
        assert jobs.wake_cases(now=until) == 1
        assert jobs.wake_cases(now=until) == 0
    (one,) = [frame(envelope) for envelope in heard]
    assert (one["version"], one["prev"]) == (before.version + 2, before.version + 1)
    assert one["data"]["business"]["snoozed_until"] is None
    assert (listed(agent, "true"), listed(agent, "false")) == ([], [str(case)])
    (missed,) = changes.changes_since(conversation_id=case, after=before.version, limit=9)
    assert (missed.event, missed.version) == ("conversation.updated", before.version + 2)


def test_the_customer_wakes_it_and_agents_do_not(agent: User, customer: User, case: UUID) -> None:
    snooze(agent, case, timezone.now() + HOUR)
    factories.say(agent, case, "We look into it.")
    assert asleep(case)
    before = Conversation.objects.get(pk=case).version
    with factories.heard() as heard:
        factories.say(customer, case, "Any news?", client_id="1")
        factories.say(customer, case, "Any news?", client_id="1")
    told = [frame(envelope) for envelope in heard]
    assert [(one["event"], one["version"] - before) for one in told] == [
        ("message.created", 1), ("conversation.updated", 2),
    ]  # fmt: skip
    assert told[1]["data"]["business"]["snoozed_until"] is None
    assert not asleep(case)
    factories.say(customer, case)
    assert Conversation.objects.get(pk=case).version == before + 3
    factories.say(factories.agent(), case)  # not the first answer any more
    assert BusinessCase.objects.get(pk=case).first_response_at is not None


def test_the_first_answer_to_what_sleeps_leaves_it_asleep(agent: User, customer: User) -> None:
    case = factories.case(customer, content="help")
    snooze(agent, case, timezone.now() + HOUR)
    factories.say(agent, case, "Tomorrow.")
    found = BusinessCase.objects.get(pk=case)
    assert found.first_response_at is not None
    assert found.snoozed_until is not None


def test_another_status_wakes_it_and_what_is_resolved_stays_awake(agent: User, case: UUID) -> None:
    snooze(agent, case, timezone.now() + HOUR)
    set_case_status(actor_id=agent.pk, conversation_id=case, status="resolved")
    assert not asleep(case)
    given = {"until": (timezone.now() + HOUR).isoformat()}
    refused = Api(agent).post(f"/conversations/{case}/snooze", given)
    assert problem(refused, 409)["code"] == "case_resolved"
    assert snooze(agent, case, None) is None


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_neither_the_past_nor_for_ever(agent: User, case: UUID, days: int) -> None:
    given = {"until": (timezone.now() + timedelta(days=days)).isoformat()}
    refused = problem(Api(agent).post(f"/conversations/{case}/snooze", given), 400)
    assert refused["errors"][0]["field"] == "until"
    assert not asleep(case)
    problem(Api(agent).post(f"/conversations/{case}/snooze", {}), 400)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_was_on_its_way_wakes_it_a_minute_later() -> None:
    """It waited for the lock with a look at the case from before it slept."""
    agent, customer = factories.agent(), factories.person()
    case = factories.case(customer, content="help")
    factories.say(agent, case)
    until = timezone.now() + HOUR
    with holding(case):
        given = {"sender_id": customer.pk, "conversation_id": case, "content": "Well?"}
        rival = Rival(messages.send_message, **given).await_blocked()
        snooze_case(actor_id=agent.pk, conversation_id=case, until=until)
    rival.result()
    assert asleep(case)
    assert tasks.wake_cases() == 1
    assert not asleep(case)
    assert tasks.wake_cases() == 0


@pytest.mark.django_db(transaction=True)
def test_what_is_put_to_sleep_anew_meanwhile_sleeps_on() -> None:
    agent = factories.agent()
    case = factories.case(factories.person())
    now = timezone.now()
    snooze_case(actor_id=agent.pk, conversation_id=case, until=now + HOUR)
    with holding(case):
        rival = Rival(jobs.wake_cases, now=now + HOUR).await_blocked()
        snooze_case(actor_id=agent.pk, conversation_id=case, until=now + 2 * HOUR)
    assert rival.result() == 0
    assert BusinessCase.objects.get(pk=case).snoozed_until == now + 2 * HOUR
