from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import post_migrate

from conversations.queries.routine import install


class ConversationsConfig(AppConfig):
    """Who talks where: accounts, conversations, participants, the business inbox."""

    name = "conversations"

    def ready(self) -> None:
        from conversations import receivers  # noqa: PLC0415 - needs the loaded models

        post_migrate.connect(_install_routines, sender=self)
        user_logged_in.connect(receivers.staff_signed_in, dispatch_uid="conversations.audit")
        user_login_failed.connect(receivers.staff_refused, dispatch_uid="conversations.audit")


def _install_routines(using: str, **_: Any) -> None:
    from conversations.queries import blocks, inbox, stamps  # noqa: PLC0415 - needs the loaded models

    install([*inbox.ROUTINES, *stamps.ROUTINES, *blocks.ROUTINES], using=using)
