"""Webhooks, and what became of what they were sent."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.cursors import encode
from conversations.inputs import read_body, read_query
from conversations.pagination import cut
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, account
from webhooks import access
from webhooks.models import Webhook, WebhookDelivery
from webhooks.serializers import shapes
from webhooks.serializers import webhooks as inputs
from webhooks.services import webhooks

CHANGES = Limit("webhooks", 60, 60, by_user)


@extend_schema(tags=["Webhooks"])
class WebhookViewSet(ChatViewSet):
    """For staff, and for the owners of a business, of that business."""

    session_actions = frozenset({"list", "create", "partial_update", "destroy", "deliveries", "replay"})
    limits = {"create": [CHANGES], "partial_update": [CHANGES], "replay": [CHANGES]}
    problems = {"create": [403, 404, 409], "partial_update": [403, 409], "replay": [409]}

    @extend_schema(
        operation_id="list_webhooks",
        parameters=[inputs.WebhooksQuerySerializer],
        responses={200: shapes.WebhookPageShape},
    )
    def list(self, request: Request) -> Response:
        """Those that the caller may change, the newest first."""
        query = read_query(inputs.WebhooksQuerySerializer, request)
        rows = Webhook.objects.managed_by(account(request)).order_by("-pk")
        rows = rows.filter(pk__lt=query["cursor"]) if query["cursor"] else rows
        found, last = cut(list(rows[: query["limit"] + 1]), query["limit"])
        results = shapes.WebhookShape(found, many=True).data
        return Response({"results": results, "next": encode(str(last.pk)) if last else None})

    @extend_schema(
        operation_id="make_webhook",
        request=inputs.NewWebhookSerializer,
        responses={201: shapes.WebhookWithSecretShape},
    )
    def create(self, request: Request) -> Response:
        """Have an address told what happens from now on. The reply shows the secret, this once."""
        given = read_body(inputs.NewWebhookSerializer, request)
        webhook, secret = webhooks.make_webhook(actor=account(request), **given)
        return Response(shapes.with_secret(webhook, secret), status=201)

    @extend_schema(
        operation_id="change_webhook",
        request=inputs.WebhookChangesSerializer,
        responses={200: shapes.WebhookWithSecretShape},
    )
    def partial_update(self, request: Request, webhook_id: UUID) -> Response:
        """Change its address or events, switch it off or on again, or give it a new secret."""
        given = read_body(inputs.WebhookChangesSerializer, request)
        webhook, secret = webhooks.change_webhook(actor=account(request), webhook_id=webhook_id, **given)
        return Response(shapes.with_secret(webhook, secret))

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    def destroy(self, request: Request, webhook_id: UUID) -> Response:
        """End it, with everything that was kept for it."""
        webhooks.delete_webhook(actor=account(request), webhook_id=webhook_id)
        return Response(status=204)

    @extend_schema(
        operation_id="list_deliveries",
        parameters=[inputs.DeliveriesQuerySerializer],
        responses={200: shapes.DeliveryPageShape},
    )
    def deliveries(self, request: Request, webhook_id: UUID) -> Response:
        """What it was sent in the last seven days and what waits, the newest first."""
        query = read_query(inputs.DeliveriesQuerySerializer, request)
        webhook = access.get_webhook(actor=account(request), webhook_id=webhook_id)
        rows = WebhookDelivery.objects.filter(webhook=webhook).order_by("-pk")
        rows = rows.filter(pk__lt=query["cursor"]) if query["cursor"] is not None else rows
        found, last = cut(list(rows[: query["limit"] + 1]), query["limit"])
        results = shapes.DeliveryShape(found, many=True).data
        return Response({"results": results, "next": encode(last.pk) if last else None})

    @extend_schema(operation_id="replay_delivery", request=None, responses={202: shapes.DeliveryShape})
    def replay(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Have it sent once more, with the same `webhook-id`."""
        delivery = webhooks.replay_delivery(actor=account(request), webhook_id=webhook_id, key=delivery_id)
        return Response(shapes.DeliveryShape(delivery).data, status=202)
