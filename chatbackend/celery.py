"""The Celery application: jobs and the clock."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_process_init

from chatbackend import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")

app = Celery("chatbackend")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect(dispatch_uid="chatbackend.telemetry")
def _worker_begins(**kwargs: Any) -> None:
    telemetry.load()


@worker_process_init.connect(dispatch_uid="chatbackend.telemetry")
@beat_init.connect(dispatch_uid="chatbackend.telemetry")
def _process_begins(**kwargs: Any) -> None:
    """In each process that runs tasks (the worker's first one does not), and in the clock."""
    telemetry.start()
