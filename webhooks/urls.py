"""Addresses below /api/v1: webhooks."""

from django.urls import path

from webhooks.views.webhooks import WebhookViewSet

webhooks = WebhookViewSet.as_view
WEBHOOK = "webhooks/<id:webhook_id>"

urlpatterns = [
    path("webhooks", webhooks({"get": "list", "post": "create"})),
    path(WEBHOOK, webhooks({"patch": "partial_update", "delete": "destroy"})),
    path(f"{WEBHOOK}/deliveries", webhooks({"get": "deliveries"})),
    path(f"{WEBHOOK}/deliveries/<id:delivery_id>/replay", webhooks({"post": "replay"})),
]
