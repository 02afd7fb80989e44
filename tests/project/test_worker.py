"""A real worker does everything that the clock asks for, to its end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from chatbackend.celery import app
from chatbackend.embedded.processes import stop
from chatbackend.schedule import JOBS
from conversations.models import BusinessCase
from conversations.services.business import snooze_case
from tests import factories
from tests.server import Server, work

PATIENCE_S = 90.0
ENDS = ("task-succeeded", "task-failed", "task-rejected", "task-revoked", "task-retried")


@contextmanager
def worker(log: Path) -> Iterator[None]:
    """One with the settings of this run, that tells its events."""
    server = Server(database=str(connection.settings_dict["NAME"]), log=log)
    with log.open("wb") as output:
        process = work(server.env, "-E", output=output)
    try:
        yield
    finally:
        stop(process, signal.SIGTERM, within_s=20)


def outcomes(names: list[str]) -> dict[str, str]:
    """How each of these tasks ended, as the worker tells; they are sent once it is heard, as the clock sends them."""
    sent: dict[str, str] = {}
    ended: dict[str, str] = {}

    def begin(event: dict[str, Any]) -> None:
        if not sent:
            sent.update({app.tasks[name].delay().id: name for name in names})

    def end(event: dict[str, Any]) -> None:
        ended[event["uuid"]] = event["type"]
        receiver.should_stop = sent.keys() <= ended.keys()

    handlers = {"worker-online": begin, "worker-heartbeat": begin, **dict.fromkeys(ENDS, end)}
    with app.connection_for_read() as broker:
        receiver = app.events.Receiver(broker, handlers=handlers)
        receiver.capture(timeout=PATIENCE_S)
    return {name: ended[task] for task, name in sent.items()}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_job_of_the_clock_succeeds(tmp_path: Path) -> None:
    agent = factories.agent()
    asleep = factories.case(factories.person("customer"))
    soon = timezone.now() + timedelta(minutes=1)
    snooze_case(actor_id=agent.pk, conversation_id=asleep, until=soon)
    BusinessCase.objects.update(snoozed_until=timezone.now())
    names = sorted({job.task for job in JOBS.values()})
    app.loader.import_default_modules()
    app.control.purge()
    with worker(tmp_path / "log"):
        assert outcomes(names) == dict.fromkeys(names, "task-succeeded")
    assert BusinessCase.objects.get(pk=asleep).snoozed_until is None
    assert "Traceback" not in (tmp_path / "log").read_text()
