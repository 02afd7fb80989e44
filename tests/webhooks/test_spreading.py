"""From what changed in conversations to what is sent: each change once, in order, without a statement of who sends."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import BusinessAgent, Conversation, User
from conversations.services import business, conversations
from messaging.queries import changes
from messaging.services import messages
from tests import factories
from tests.api import Api, read
from tests.races import Rival
from webhooks.jobs import spreading
from webhooks.models import Webhook, WebhookDelivery
from webhooks.models.webhooks import EVENTS
from webhooks.tasks import hourly, round_

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief() -> User:
    return factories.agent("acme", role="owner")


def webhook(owner: User, business_id: str | None = "acme", events: tuple[str, ...] = EVENTS) -> Webhook:
    return factories.webhook(owner, business_id, events=events)


def told(hook: Webhook, room: UUID | None = None) -> list[tuple[str, int]]:
    """What waits or was sent: event and version, in order."""
    rows = WebhookDelivery.objects.filter(webhook=hook).order_by("pk")
    rows = rows.filter(conversation_id=room) if room else rows
    return list(rows.values_list("event", "version"))


def test_what_happens_from_now_on_is_told_once_and_in_order(chief: User) -> None:
    ann = factories.person()
    before = factories.case(ann, content="long ago")
    hook = webhook(chief)
    assert spreading.spread(hook.pk) == 0
    factories.say(ann, before, "one")
    after = factories.case(ann, content="help")
    business.assign_case(actor_id=chief.pk, conversation_id=after, assignee_id=chief.pk)
    factories.say(ann, after, "two")
    elsewhere = factories.case(ann, business_id="other", content="not yours")
    factories.say(ann, factories.group(ann), "private")
    assert spreading.spread(hook.pk) == len(told(hook)) > 4
    assert [name for name, _ in told(hook, before)] == ["message.created"]
    names, versions = zip(*told(hook, after), strict=True)
    assert names[0] == "conversation.created"
    assert names.count("message.created") == 3
    assert list(versions) == sorted(versions)
    assert told(hook, elsewhere) == []
    assert spreading.spread(hook.pk) == 0
    assert spreading.spread(hook.pk, thorough=True) == 0


def test_the_body_is_the_event_that_sockets_hear(chief: User) -> None:
    hook = webhook(chief)
    with factories.heard() as heard:
        room = factories.case(factories.person(), content='Where is "it"? \u2028')
    spreading.spread(hook.pk)
    said = orjson.loads(WebhookDelivery.objects.get(event="message.created").payload)
    (frame,) = [each for each in map(factories.frame, heard) if each["event"] == "message.created"]
    assert said.keys() == {"type", "timestamp", "conversation", "version", "data"}
    assert (said["type"], said["conversation"], said["version"]) == (
        "message.created", str(room), frame["version"],
    )  # fmt: skip
    assert said["data"] == frame["data"]


def test_staff_hear_everything_and_only_what_they_asked_for() -> None:
    ann = factories.person()
    hook = webhook(factories.person(is_staff=True), None, ("message.created",))
    rooms = [factories.group(ann), factories.direct(ann, factories.person()), factories.case(ann)]
    for room in rooms:
        factories.say(ann, room)
    spreading.spread(hook.pk)
    rows = WebhookDelivery.objects.filter(webhook=hook)
    assert set(rows.values_list("conversation_id", flat=True)) == set(rooms)
    assert set(rows.values_list("event", flat=True)) == {"message.created"}


def test_more_than_fits_comes_page_by_page(chief: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that was changed again beyond the first page is still new to who hears of it there."""
    monkeypatch.setattr(spreading, "EACH", 2)
    hook, ann = webhook(chief), factories.person()
    room, other = factories.case(ann), factories.case(ann)
    for number in range(5):
        factories.say(ann, room, f"line {number}")
    factories.say(ann, other)
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="other words")
    rounds = []
    while made := spreading.spread(hook.pk):
        rounds.append(made)
    assert len(rounds) > 2
    names = [name for name, _ in told(hook, room)]
    assert names == ["conversation.created"] + ["message.created"] * 5
    assert told(hook, room) == sorted(told(hook, room), key=lambda line: line[1])
    assert [name for name, _ in told(hook, other)] == ["conversation.created", "message.created"]


def test_what_waits_is_bounded(chief: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond stays in the conversations, and comes when there is room."""
    monkeypatch.setattr(spreading, "BACKLOG", 3)
    hook, ann = webhook(chief, events=("message.created",)), factories.person()
    for number in range(6):
        factories.say(ann, factories.case(ann), f"{number}")
    while spreading.spread(hook.pk):
        pass
    waiting = WebhookDelivery.objects.filter(state="pending")
    assert waiting.count() == 3
    waiting.update(state="delivered", settled_at=timezone.now())
    while spreading.spread(hook.pk):
        pass
    assert WebhookDelivery.objects.count() == 6


def test_long_bodies_are_cut_to_the_name_of_their_message(chief: User) -> None:
    hook, ann = webhook(chief, events=("message.created",)), factories.person()
    factories.say(ann, factories.case(ann), "\u0001" * 16_000)
    spreading.spread(hook.pk)
    payload = WebhookDelivery.objects.get().payload
    assert len(payload) < 500
    assert orjson.loads(payload)["data"] == {"seq": 1, "truncated": True}


def test_what_is_taken_back_is_neither_sent_nor_kept(chief: User) -> None:
    hook, ann = webhook(chief, events=("message.created", "message.deleted")), factories.person()
    room = factories.case(ann, content="secret")
    factories.say(ann, room, "stays")
    factories.say(ann, room, "geheim")
    spreading.spread(hook.pk)
    WebhookDelivery.objects.filter(seq=1).update(state="delivered", settled_at=timezone.now())
    for seq in (1, 3):
        messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=seq)
    spreading.spread(hook.pk)
    rows = WebhookDelivery.objects.order_by("pk").values_list("event", "seq", "state")
    assert list(rows) == [
        ("message.created", 1, "delivered"),
        ("message.created", 2, "pending"),
        ("message.created", 3, "withdrawn"),
        ("message.deleted", 1, "pending"),
        ("message.deleted", 3, "pending"),
    ]
    kept = "".join(WebhookDelivery.objects.values_list("payload", flat=True))
    assert "stays" in kept
    assert "secret" not in kept
    assert "geheim" not in kept


def test_the_end_of_a_conversation() -> None:
    ann = factories.person()
    hook = webhook(factories.person(is_staff=True), None)
    room = factories.group(ann, factories.person())
    spreading.spread(hook.pk)
    factories.say(ann, room, "last words")
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    brief = factories.group(ann)  # began and ended in between
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=brief)
    spreading.spread(hook.pk)
    assert [name for name, _ in told(hook, room)] == [
        "conversation.created", "message.created", "conversation.deleted",
    ]  # fmt: skip
    assert told(hook, brief) == []


def test_an_end_between_two_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = factories.person()
    hook = webhook(factories.person(is_staff=True), None)
    room = factories.group(ann, factories.person())
    spreading.spread(hook.pk)
    factories.say(ann, room)
    asked = changes.changes_since_each

    def after_its_end(**given: Any) -> Any:
        if Conversation.objects.get(pk=room).deleted_at is None:
            conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
        return asked(**given)

    monkeypatch.setattr(changes, "changes_since_each", after_its_end)
    spreading.spread(hook.pk)
    spreading.spread(hook.pk)
    assert [name for name, _ in told(hook, room)] == [
        "conversation.created", "message.created", "conversation.deleted",
    ]  # fmt: skip


def test_who_may_not_hear_it_any_more_does_not(chief: User) -> None:
    """A dismissed owner's address hears nothing, and they are told; another owner may take it over."""
    hook, ann = webhook(chief, events=("message.created",)), factories.person()
    BusinessAgent.objects.filter(user=chief).update(role="agent")
    room = factories.case(ann, content="help")
    assert spreading.spread(hook.pk) == 0
    hook.refresh_from_db()
    assert hook.disabled_why == "not_allowed"
    (notice,) = [each for each in factories.inbox_of(chief) if each["name"] == "Webhooks"]
    assert "hooks.example.org is switched off" in notice["last_message"]["content"]
    other = factories.agent("acme", role="owner")
    read(Api(other).patch(f"/webhooks/{hook.pk}", {"active": True}))
    assert spreading.spread(hook.pk) == 1
    assert told(hook) == [("message.created", Conversation.objects.get(pk=room).version)]


def test_closed_accounts_hear_nothing(chief: User) -> None:
    hook = webhook(chief)
    User.objects.filter(pk=chief.pk).update(is_active=False)
    factories.case(factories.person(), content="help")
    assert spreading.spread(hook.pk) == 0
    assert Webhook.objects.get(pk=hook.pk).disabled_why == "not_allowed"


def statements(call: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        call()
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


@pytest.mark.django_db(transaction=True)
def test_who_sends_pays_nothing() -> None:
    """The same statements with webhooks as without; and where there are none, a round is one."""
    assert len(statements(round_)) == 1
    chief, ann = factories.agent("acme", role="owner"), factories.person()
    room = factories.case(ann)

    def send() -> None:
        factories.say(ann, room)

    without = statements(send)
    webhook(chief)
    assert len(statements(send)) == len(without) == 1


def test_a_round_does_not_grow(chief: User) -> None:
    hook, ann = webhook(chief), factories.person()
    factories.say(ann, factories.case(ann))
    few = statements(lambda: spreading.spread(hook.pk))
    for _ in range(5):
        room = factories.case(ann, content="help")
        for _ in range(3):
            factories.say(ann, room)
    many = statements(lambda: spreading.spread(hook.pk))
    assert len(many) == len(few) <= 9


def test_what_was_committed_late_is_found_by_the_hourly_look(chief: User) -> None:
    hook, ann = webhook(chief, events=("message.created",)), factories.person()
    room = factories.case(ann, content="help")
    Conversation.objects.filter(pk=room).update(changed_at=timezone.now() - 2 * spreading.LOOK_BACK)
    assert spreading.spread(hook.pk) == 0
    hourly()
    assert len(told(hook)) == 1


def test_what_is_told_after_a_long_silence(chief: User) -> None:
    """No worker ran for three days; what happened meanwhile is told as it stands."""
    hook, ann = webhook(chief, events=("message.created",)), factories.person()
    room = factories.case(ann, content="helo")
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="hello")
    Conversation.objects.filter(pk=room).update(changed_at=timezone.now() - timedelta(days=2))
    Webhook.objects.update(looked_at=timezone.now() - timedelta(days=3))
    assert spreading.spread(hook.pk) == 1
    assert orjson.loads(WebhookDelivery.objects.get().payload)["data"]["content"] == "hello"


@pytest.mark.django_db(transaction=True)
def test_two_rounds_at_once() -> None:
    """The second finds the webhook taken and leaves: nothing twice."""
    chief = factories.agent("acme", role="owner")
    hook = webhook(chief, events=("message.created",))
    factories.case(factories.person(), content="help")
    with transaction.atomic():
        assert spreading.spread(hook.pk) == 1
        assert Rival(spreading.spread, webhook_id=hook.pk).result() == 0
    assert spreading.spread(hook.pk) == 0
    assert len(told(hook)) == 1
