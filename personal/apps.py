from django.apps import AppConfig


class PersonalConfig(AppConfig):
    """What people may take with them, and what they may have taken away."""

    name = "personal"
