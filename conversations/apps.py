from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from conversations.queries.routine import install


class ConversationsConfig(AppConfig):
    """Who talks where: accounts, conversations, participants, the business inbox."""

    name = "conversations"

    def ready(self) -> None:
        post_migrate.connect(_install_routines, sender=self)


def _install_routines(using: str, **_: Any) -> None:
    from conversations.queries import blocks, inbox, stamps  # noqa: PLC0415 - needs the loaded models

    install([*inbox.ROUTINES, *stamps.ROUTINES, *blocks.ROUTINES], using=using)
