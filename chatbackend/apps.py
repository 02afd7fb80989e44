from django.apps import AppConfig
from django.db.models.signals import post_migrate

from chatbackend import checks, schedule, statements
from chatbackend.celery import app as celery_app


class ChatBackendConfig(AppConfig):
    """Wires the project together once every app is loaded."""

    name = "chatbackend"
    celery = celery_app  # `shared_task` binds to the app that was made first: make it in every process

    def ready(self) -> None:
        from chatbackend import plan_contracts, recent_indexes, staff_alerts, watched  # noqa: PLC0415 - loaded models
        from dbperf.alerts import live  # noqa: PLC0415 - likewise

        checks.register_all()
        recent_indexes.register_all()
        plan_contracts.register_all()
        statements.install()
        watched.install()
        live.heard_by(staff_alerts.push)
        beat = self.apps.get_app_config("django_celery_beat") if self.apps else None
        post_migrate.connect(schedule.make_missing, sender=beat, dispatch_uid="chatbackend.schedule")
