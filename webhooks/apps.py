from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """What happens in conversations, told to other people's servers."""

    name = "webhooks"
