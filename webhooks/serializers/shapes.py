"""What replies say of webhooks."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations.contents import opened
from conversations.serializers.shapes import Shape
from webhooks.models import Webhook, WebhookDelivery
from webhooks.models.webhooks import EVENTS

PREVIEW = 500  # characters


@extend_schema_serializer(component_name="Webhook")
class WebhookShape(Shape):
    """A webhook. Its secret is in the reply that made it, and in no other."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField([(name, name) for name in EVENTS]))
    business_id = serializers.CharField(allow_null=True, help_text="Null: every conversation.")
    owner = serializers.UUIDField(
        source="owner_id", allow_null=True, help_text="It hears what this person may hear."
    )
    active = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_why = serializers.ChoiceField(Webhook.Why.choices, allow_null=True)
    old_secret_until = serializers.DateTimeField(
        source="old_until", allow_null=True, help_text="Until then the secret before this one signs, too."
    )
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="WebhookWithSecret")
class WebhookWithSecretShape(WebhookShape):
    """A webhook just made or changed."""

    secret = serializers.CharField(
        allow_null=True, help_text="Shown this once; null where no new one was wanted."
    )


@extend_schema_serializer(component_name="WebhookPage")
class WebhookPageShape(Shape):
    results = WebhookShape(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="WebhookDelivery")
class DeliveryShape(Shape):
    """One event for one webhook."""

    id = serializers.UUIDField(source="key", help_text="`webhook-id` of each attempt.")
    event = serializers.ChoiceField([(name, name) for name in EVENTS])
    conversation = serializers.UUIDField(source="conversation_id")
    version = serializers.IntegerField()
    seq = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(WebhookDelivery.State.choices)
    attempts = serializers.IntegerField()
    status = serializers.IntegerField(
        allow_null=True, help_text="What the receiver answered last, if it did."
    )
    error = serializers.CharField(help_text="Why the last attempt did not count; empty where it did.")
    preview = serializers.SerializerMethodField(
        help_text=f"The first {PREVIEW} characters of the body. Empty once the message was taken back."
    )
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When it is or was to be tried next.")
    settled_at = serializers.DateTimeField(allow_null=True)

    def get_preview(self, delivery: WebhookDelivery) -> str:
        return opened(delivery.payload)[:PREVIEW]


@extend_schema_serializer(component_name="WebhookDeliveryPage")
class DeliveryPageShape(Shape):
    results = DeliveryShape(many=True)
    next = serializers.CharField(allow_null=True)


def with_secret(webhook: Webhook, secret: str | None) -> dict[str, Any]:
    """A webhook and, once, its secret."""
    return {**WebhookShape(webhook).data, "secret": secret}
