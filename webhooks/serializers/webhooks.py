"""Input about webhooks."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import BusinessIdField, CursorField, FlagField, TextField
from conversations.inputs import BodySerializer, LimitSerializer, example
from webhooks.models.webhooks import EVENTS
from webhooks.outside.rules import MAX_URL

URL = "https://hooks.example.org/chat"


def webhook_place(values: list[Any]) -> UUID:
    """A cursor of webhooks: one's id."""
    (key,) = values
    if not isinstance(key, str):
        raise ValueError(key)
    return UUID(key)


class EventsField(serializers.ListField):
    """Names of durable events; each counts once."""

    child = serializers.ChoiceField([(name, name) for name in EVENTS])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_length": 1, "max_length": len(EVENTS), **kwargs})


@extend_schema_serializer(
    examples=[
        example("A business", {"url": URL, "events": ["message.created"], "business_id": "acme"}),
        example("Everything (staff)", {"url": URL, "events": ["message.created", "message.deleted"]}),
    ]
)
class NewWebhookSerializer(BodySerializer):
    """Without `business_id` it hears every conversation, which is for staff."""

    url = TextField(max_length=MAX_URL, help_text="https, without a name or password.")
    events = EventsField()
    business_id = BusinessIdField(required=False, allow_null=True)


@extend_schema_serializer(
    examples=[
        example("A new secret", {"rotate_secret": True}),
        example("Once more", {"active": True}),
    ]
)
class WebhookChangesSerializer(BodySerializer):
    """What is left out stays."""

    url = TextField(max_length=MAX_URL, required=False)
    events = EventsField(required=False)
    active = FlagField(required=False, help_text="Switching it on makes the caller its owner.")
    rotate_secret = FlagField(
        required=False, help_text="The old secret signs beside the new one for 24 hours."
    )


class WebhooksQuerySerializer(LimitSerializer):
    """A page of webhooks."""

    cursor = CursorField(webhook_place)


class DeliveriesQuerySerializer(LimitSerializer):
    """A page of deliveries."""

    cursor = CursorField(cursors.whole)
