"""Deliveries on their way to a real receiver: signed, in order, again and again, and given up."""

import logging
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from conversations import content_keys
from conversations.models import User
from messaging.services import messages
from tests import factories
from tests.api import Api, problem, read
from tests.dbperf.receivers import Call, Hook
from webhooks import tasks
from webhooks.jobs import delivering, purging, spreading
from webhooks.models import Webhook, WebhookDelivery
from webhooks.queries import sending
from webhooks.services.webhooks import change_webhook, make_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief() -> User:
    return factories.agent("acme", role="owner")


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


@pytest.fixture
def made(hook: Hook, chief: User) -> tuple[Webhook, str]:
    return make_webhook(actor=chief, url=hook.url, events=["message.created"], business_id="acme")


def bodies(hook: Hook) -> list[str]:
    """What was said in the messages that came, in order."""
    return [orjson.loads(call.body)["data"]["content"] for call in hook.calls]


def due() -> None:
    WebhookDelivery.objects.filter(state="pending").update(due_at=timezone.now() - timedelta(seconds=1))


def go(webhook: Webhook) -> int:
    """What the clock and a worker do."""
    spreading.spread(webhook.pk)
    return delivering.deliver(webhook.pk)


def genuine(secret: str, call: Call) -> Any:
    """As the receiver's library has it, which is not ours."""
    return Receiver(secret).verify(call.body, call.headers)


def test_a_receiver_knows_that_it_is_us(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    webhook, secret = made
    room = factories.case(ann, content="Where is my parcel?")
    assert go(webhook) == 1
    (call,) = hook.calls
    said = genuine(secret, call)
    assert (said["type"], said["conversation"]) == ("message.created", str(room))
    delivery = WebhookDelivery.objects.get()
    assert call.headers["webhook-id"] == str(delivery.key)
    assert (delivery.state, delivery.attempts, delivery.status, delivery.error) == ("delivered", 1, 204, "")
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(call.body + b" ", call.headers)
    assert go(webhook) == 0
    assert len(hook.calls) == 1


def test_two_signatures_while_the_secret_changes(
    hook: Hook, made: tuple[Webhook, str], chief: User, ann: User
) -> None:
    webhook, old = made
    _, new = change_webhook(actor=chief, webhook_id=webhook.pk, rotate_secret=True)
    assert new is not None
    room = factories.case(ann, content="one")
    assert go(webhook) == 1
    assert genuine(old, hook.calls[0]) == genuine(new, hook.calls[0])
    Webhook.objects.update(old_until=timezone.now())
    factories.say(ann, room, "two")
    assert go(webhook) == 1
    assert genuine(new, hook.calls[1])["data"]["content"] == "two"
    with pytest.raises(WebhookVerificationError):
        genuine(old, hook.calls[1])


def test_what_fails_is_tried_again_and_nothing_overtakes_it(
    hook: Hook, made: tuple[Webhook, str], ann: User
) -> None:
    webhook, _ = made
    room, other = factories.case(ann, content="a1"), factories.case(ann, content="b1")
    for words in ("a2", "a3"):
        factories.say(ann, room, words)
    hook.answers = [500]
    assert go(webhook) == 1
    assert bodies(hook) == ["a1", "b1"]  # a2 and a3 wait behind a1
    assert go(webhook) == 0  # it is not due yet
    due()
    assert go(webhook) == 3
    assert bodies(hook) == ["a1", "b1", "a1", "a2", "a3"]
    assert hook.calls[0].headers["webhook-id"] == hook.calls[2].headers["webhook-id"]
    assert WebhookDelivery.objects.filter(state="delivered").count() == 4
    assert str(other) in hook.calls[1].body.decode()


def test_pauses_grow_and_are_not_all_the_same(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    webhook, _ = made
    for _ in range(3):
        factories.case(ann, content="help")
    spreading.spread(webhook.pk)
    for planned in delivering.PAUSES:
        hook.answers = [503] * 3
        due()
        before = timezone.now()
        delivering.deliver(webhook.pk)
        waits = list(WebhookDelivery.objects.values_list("due_at", flat=True))
        assert min(waits) >= before + planned * 0.8
        assert max(waits) <= timezone.now() + planned * 1.2
    assert len({round(at.timestamp()) for at in waits}) > 1


def exhaust(hook: Hook, webhook: Webhook, status: int = 500) -> None:
    hook.answers = [status] * delivering.MOST_ATTEMPTS
    for _ in range(delivering.MOST_ATTEMPTS):
        due()
        go(webhook)


def test_given_up_switched_off_told_and_taken_up_again(
    hook: Hook, made: tuple[Webhook, str], chief: User, ann: User
) -> None:
    webhook, _ = made
    room = factories.case(ann, content="one")
    exhaust(hook, webhook)
    factories.say(ann, room, "two")
    assert len(hook.calls) == delivering.MOST_ATTEMPTS
    webhook.refresh_from_db()
    assert (webhook.active, webhook.disabled_why) == (False, "given_up")
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.error, delivery.status) == ("failed", "answered 500", 500)
    (notice,) = [each for each in factories.inbox_of(chief) if each["name"] == "Webhooks"]
    assert "127.0.0.1 is switched off: it did not take" in notice["last_message"]["content"]
    assert "room=7" not in notice["last_message"]["content"]
    due()
    assert go(webhook) == 0
    read(Api(chief).patch(f"/webhooks/{webhook.pk}", {"active": True}))
    assert go(webhook) == 2
    assert bodies(hook)[-2:] == ["one", "two"]
    exhaust(hook, webhook)  # nothing waits: nothing to give up
    factories.say(ann, room, "three")
    exhaust(hook, webhook)
    assert len([each for each in factories.inbox_of(chief) if each["name"] == "Webhooks"]) == 1


def test_gone_is_taken_for_an_answer(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    webhook, _ = made
    factories.case(ann, content="one")
    hook.answers = [410]
    assert go(webhook) == 0
    webhook.refresh_from_db()
    assert (webhook.disabled_why, len(hook.calls)) == ("gone", 1)


def test_a_receiver_that_is_down_is_not_asked_for_everything(
    hook: Hook, made: tuple[Webhook, str], ann: User
) -> None:
    webhook, _ = made
    for number in range(6):
        factories.case(ann, content=f"{number}")
    hook.answers = [500] * 6
    assert go(webhook) == 0
    assert len(hook.calls) == delivering.ENOUGH_FAILURES


@pytest.mark.parametrize(
    ("setting", "value"), [("WEBHOOK_NETWORKS", []), ("WEBHOOK_HTTP", False), ("WEBHOOK_PORTS", [443])]
)
def test_settings_are_asked_at_each_attempt(
    hook: Hook, made: tuple[Webhook, str], ann: User, settings: Settings, setting: str, value: Any
) -> None:
    webhook, _ = made
    factories.case(ann, content="one")
    setattr(settings, setting, value)
    assert go(webhook) == 0
    assert hook.calls == []
    assert WebhookDelivery.objects.get().error in (
        "not a public address", "only https is allowed", "this port is not allowed",
    )  # fmt: skip


def test_errors_say_nothing_of_the_address(
    hook: Hook, made: tuple[Webhook, str], ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook, secret = made
    Webhook.objects.update(url="http://127.0.0.1:1/hook?room=7")
    factories.case(ann, content="one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.WEBHOOK_PORTS", [1])
        assert go(webhook) == 0
    delivery = WebhookDelivery.objects.get()
    assert delivery.error == "ConnectionRefusedError"
    for text in (caplog.text, delivery.error):
        assert "room=7" not in text
        assert secret not in text
    assert "did not take delivery" in caplog.text


def test_a_secret_that_cannot_be_read(
    hook: Hook, made: tuple[Webhook, str], ann: User, settings: Settings
) -> None:
    webhook, _ = made
    factories.case(ann, content="one")
    settings.WEBHOOK_KEYS = ["k8Jq2-vX7pLw4RzT9bNc3mYd6fHs1gQe5uAi0oE"]
    assert go(webhook) == 0
    assert WebhookDelivery.objects.get().error == "the secret cannot be read any more"
    assert hook.calls == []


@pytest.mark.django_db(transaction=True)
def test_two_workers(hook: Hook) -> None:
    """One waits for the receiver; the other finds the webhook taken. Once its time ran out, the delivery still is."""
    chief = factories.agent("acme", role="owner")
    webhook, _ = make_webhook(actor=chief, url=hook.url, events=["message.created"], business_id="acme")
    factories.case(factories.person(), content="one")
    other = factories.case(factories.person(), content="two")
    spreading.spread(webhook.pk)
    hook.wait, taken = threading.Event(), []

    def first() -> None:
        taken.append(delivering.deliver(webhook.pk))
        connection.close()

    worker = threading.Thread(target=first)
    worker.start()
    assert hook.came.wait(30)
    assert delivering.deliver(webhook.pk) == 0
    assert sending.due() == []
    assert len(hook.calls) == 1
    Webhook.objects.update(busy_until=timezone.now())
    assert sending.due() == [webhook.pk]
    next_one = sending.claim(webhook=webhook.pk, for_s=60)
    assert next_one is not None
    assert str(other) in next_one.payload
    assert sending.claim(webhook=webhook.pk, for_s=60) is None
    hook.wait.set()
    worker.join(30)
    assert (taken, len(hook.calls)) == ([1], 1)


def test_workers_that_die_of_it_do_not_try_for_ever(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    webhook, _ = made
    factories.case(ann, content="one")
    spreading.spread(webhook.pk)
    WebhookDelivery.objects.update(attempts=delivering.MOST_ATTEMPTS)  # each claimed it, none came back
    assert delivering.deliver(webhook.pk) == 0
    assert (WebhookDelivery.objects.get().state, hook.calls) == ("failed", [])


def test_taken_back_before_the_round_came_that_far(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    """Where too much waits already, nothing is told of the deletion yet; but what was taken back is not sent."""
    webhook, _ = made
    room = factories.case(ann, content="geheim")
    factories.say(ann, room, "stays")
    spreading.spread(webhook.pk)
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    assert delivering.deliver(webhook.pk) == 1
    assert bodies(hook) == ["stays"]
    withdrawn = WebhookDelivery.objects.get(seq=1)
    assert (withdrawn.state, withdrawn.payload) == ("withdrawn", "")


def test_a_webhook_that_is_off_forgets_as_well(
    hook: Hook, made: tuple[Webhook, str], chief: User, ann: User
) -> None:
    webhook, _ = made
    room = factories.case(ann, content="geheim")
    factories.say(ann, room, "stays")
    spreading.spread(webhook.pk)
    change_webhook(actor=chief, webhook_id=webhook.pk, active=False)
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    purging.purge(now=timezone.now())
    rows = list(WebhookDelivery.objects.order_by("seq"))
    assert [(row.state, "geheim" in row.payload) for row in rows] == [
        ("withdrawn", False),
        ("pending", False),
    ]
    assert "stays" in rows[1].payload


def page(chief: User, webhook: Webhook) -> Any:
    return read(Api(chief).get(f"/webhooks/{webhook.pk}/deliveries"))["results"]


def test_deliveries_are_listed_and_sent_again(
    hook: Hook, made: tuple[Webhook, str], chief: User, ann: User
) -> None:
    webhook, secret = made
    room = factories.case(ann, content="one" + "x" * 600)
    factories.say(ann, room, "two")
    go(webhook)
    two, one = page(chief, webhook)
    assert (one["state"], one["seq"], one["conversation"], one["status"]) == ("delivered", 1, str(room), 204)
    assert len(one["preview"]) == 500
    assert secret not in str([one, two])
    path = f"/webhooks/{webhook.pk}/deliveries"
    again = read(Api(chief).post(f"{path}/{one['id']}/replay"), 202)
    assert (again["state"], again["attempts"]) == ("pending", 0)
    factories.say(ann, room, "three")
    assert go(webhook) == 2
    ids = [call.headers["webhook-id"] for call in hook.calls]
    assert (ids[2], len(set(ids))) == (one["id"], 3)
    problem(Api(chief).post(f"{path}/{webhook.pk}/replay"), 404)
    WebhookDelivery.objects.update(payload="")
    assert problem(Api(chief).post(f"{path}/{two['id']}/replay"), 409)["code"] == "nothing_to_send"
    Webhook.objects.update(disabled_at=timezone.now(), disabled_why="given_up")
    assert problem(Api(chief).post(f"{path}/{two['id']}/replay"), 409)["code"] == "webhook_disabled"


def test_what_was_sent_long_ago_goes(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    webhook, _ = made
    for _ in range(3):
        factories.case(ann, content="help")
    go(webhook)
    old, failed, _ = WebhookDelivery.objects.order_by("pk")
    long_ago = timezone.now() - purging.KEPT - timedelta(minutes=1)
    WebhookDelivery.objects.filter(pk__in=[old.pk, failed.pk]).update(settled_at=long_ago)
    WebhookDelivery.objects.filter(pk=failed.pk).update(state="failed")
    assert purging.purge(now=timezone.now()) == 1
    assert not WebhookDelivery.objects.filter(pk=old.pk).exists()
    assert WebhookDelivery.objects.count() == 2


def test_from_a_message_to_the_receiver(hook: Hook, made: tuple[Webhook, str], ann: User) -> None:
    """As the clock has it."""
    factories.case(ann, content="one")
    current_app.conf.task_always_eager = True
    try:
        tasks.round_()
    finally:
        current_app.conf.task_always_eager = False
    assert bodies(hook) == ["one"]


def test_one_that_cannot_be_told_keeps_nobody_else_waiting(
    hook: Hook, made: tuple[Webhook, str], chief: User, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = made
    other, _ = make_webhook(actor=chief, url=hook.url, events=["message.created"], business_id="acme")
    factories.case(ann, content="one")
    spread = spreading.spread

    def breaks(webhook_id: UUID, **given: Any) -> int:
        if webhook_id == webhook.pk:
            raise RuntimeError("broken")
        return spread(webhook_id, **given)

    monkeypatch.setattr(spreading, "spread", breaks)
    tasks._spread(thorough=False, within_s=20)
    assert [row.webhook_id for row in WebhookDelivery.objects.all()] == [other.pk]


def test_what_lies_encrypted_is_sent_as_it_was_said(
    hook: Hook, made: tuple[Webhook, str], chief: User, ann: User, settings: Settings
) -> None:
    settings.ENCRYPTION_KEYS, settings.ENCRYPT_MESSAGES = {"key": b"k" * 32}, True
    content_keys.forget()
    webhook, secret = made
    room = factories.case(ann, content="Where is my parcel?")
    factories.say(ann, room, "x" * (spreading.MAX_PAYLOAD - 5_000))  # sealed, it would be too long
    assert go(webhook) == 2
    assert [genuine(secret, call)["data"]["content"][:20] for call in hook.calls] == [
        "Where is my parcel?",
        "x" * 20,
    ]
    assert not WebhookDelivery.objects.filter(payload__contains="parcel").exists()
    sent = read(Api(chief).get(f"/webhooks/{webhook.pk}/deliveries"))["results"]
    assert "Where is my parcel?" in sent[-1]["preview"]
    content_keys.forget()
