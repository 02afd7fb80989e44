"""What webhooks were sent and have yet to be sent keeps nothing of who is erased, and tells of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.services import business, conversations
from conversations.services.erasing import NOBODY
from messaging.jobs import purge_deleted
from tests import factories
from tests.personal.conftest import receipt
from tests.personal.scene import SECRET, Scene, texts
from webhooks.jobs.spreading import spread
from webhooks.models import Webhook, WebhookDelivery
from webhooks.queries import erasing as deliveries

pytestmark = pytest.mark.django_db


def test_webhooks_tell_it_and_keep_nothing(scene: Scene) -> None:
    hook = factories.webhook(scene.staff, None)
    Webhook.objects.filter(pk=hook.pk).update(looked_at=timezone.now() - timedelta(hours=1))
    factories.say(scene.mary, scene.rooms["group"], SECRET)
    assert spread(hook.pk) > 0
    assert SECRET in str(list(WebhookDelivery.objects.filter(webhook=hook).values_list("payload")))
    receipt(scene)
    spread(hook.pk)
    told = WebhookDelivery.objects.filter(webhook=hook)
    assert SECRET not in str(list(told.values_list("payload")))
    assert told.filter(event="message.deleted", state="pending").exists()
    assert told.filter(event="message.created", seq=6).get().state == "withdrawn"


def test_webhooks_keep_no_names_of_rooms_nor_words_of_notices(scene: Scene) -> None:
    hook = factories.webhook(scene.staff, None)
    Webhook.objects.filter(pk=hook.pk).update(looked_at=timezone.now() - timedelta(hours=1))
    mary, ann = scene.mary.pk, scene.ann.pk
    conversations.open_case(customer_id=mary, business_id="acme", name=f"{SECRET}'s parcel", content="help")
    factories.group(scene.mary, name=SECRET)
    case = factories.case(scene.ann, content="my case")
    business.assign_case(actor_id=scene.agent.pk, conversation_id=case, assignee_id=mary)
    purged = factories.group(scene.ann, scene.mary, name="of Ann")
    factories.say(scene.mary, purged, SECRET)
    spread(hook.pk)
    WebhookDelivery.objects.filter(webhook=hook).update(state="failed", settled_at=timezone.now())
    conversations.delete_conversation(actor_id=ann, conversation_id=purged)
    assert sum(gone.conversations for gone in purge_deleted(before=timezone.now())) == 1
    told = WebhookDelivery.objects.filter(webhook=hook)
    assert (
        len(told.filter(event="conversation.created", payload__contains=SECRET)) == 3
    )  # one for whose case it is
    receipt(scene)
    assert SECRET not in str(list(told.values_list("payload")))
    assert told.filter(event="conversation.created", payload__contains='"name":"of Ann"').exists()
    spread(hook.pk)
    notice = told.filter(conversation_id=case, event="message.updated").get()
    assert f"assigned this to {NOBODY}" in notice.payload
    before = texts(without=("personal_jobs", "audit_entries"))
    assert receipt(scene)["deliveries"] == 0
    assert texts(without=("personal_jobs", "audit_entries")) == before


def test_deliveries_are_looked_through_where_there_are_any(scene: Scene) -> None:
    """Their ids only grow, and most were purged long ago."""
    hook = factories.webhook(scene.staff, None)
    factories.delivery(hook, scene.rooms["group"], id=300_000)
    with CaptureQueriesContext(connection) as asked_for:
        receipt(scene)
    assert sum("webhook_deliveries" in one["sql"] for one in asked_for) < 40


def test_deliveries_look_their_messages_up_one_by_one(scene: Scene) -> None:
    """A subplan may be hashed, which reads all messages for a thousand deliveries."""
    seen: list[tuple[str, Any]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        deliveries.forget_messages(scene.mary.pk, after=0, until=1_000)
    ((sql, params),) = seen
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "messages m" in plan
    assert "SubPlan" not in plan
