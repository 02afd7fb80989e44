"""What is kept: webhooks, how far each has heard, and what is on its way."""

from webhooks.models.cursors import WebhookCursor
from webhooks.models.deliveries import WebhookDelivery
from webhooks.models.webhooks import Webhook

__all__ = ["Webhook", "WebhookCursor", "WebhookDelivery"]
