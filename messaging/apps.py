from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from conversations.queries.routine import install


class MessagingConfig(AppConfig):
    """What is said and how it travels: messages, the socket, the browser client."""

    name = "messaging"

    def ready(self) -> None:
        from messaging import receivers  # noqa: F401, PLC0415 - connecting receivers needs the loaded models

        post_migrate.connect(_install_routines, sender=self)


def _install_routines(using: str, **_: Any) -> None:
    from messaging.queries import (  # noqa: PLC0415 - needs the loaded models
        changes,
        history,
        pins,
        receipts,
        replies,
        revisions,
        search,
        sockets,
        stats,
        sweep,
        writing,
    )

    every = (history, replies, receipts, revisions, pins, writing, changes, sockets, sweep, search, stats)
    install([routine for module in every for routine in module.ROUTINES], using=using)
