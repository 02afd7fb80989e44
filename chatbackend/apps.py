from django.apps import AppConfig

from chatbackend import checks, statements
from chatbackend.celery import app as celery_app


class ChatBackendConfig(AppConfig):
    """Wires the project together once every app is loaded."""

    name = "chatbackend"
    celery = celery_app  # `shared_task` binds to the app that was made first: make it in every process

    def ready(self) -> None:
        from chatbackend import recent_indexes  # noqa: PLC0415 - needs the loaded models

        checks.register_all()
        recent_indexes.register_all()
        statements.install()
