"""The indexes over the last days, from the command and from the clock."""

import io
import json
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from chatbackend.celery import app
from chatbackend.schedule import JOBS
from dbperf import rotation
from dbperf.aliases import MAINTENANCE
from dbperf.catalog import windows as catalog
from dbperf.connections import Database
from dbperf.tasks import rotate_recent_indexes
from messaging.queries import recent

EVERY = list(rotation.WINDOWS)


@pytest.fixture
def reached(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of the tests, outside of a transaction, by every alias; nothing is left in it."""
    with django_db_blocker.unblock():
        yield
        connections[MAINTENANCE].close()


@pytest.mark.django_db  # or this file alone would find no tables
def test_what_there_is_to_rotate() -> None:
    assert EVERY == [recent.NAME]


def test_the_clock_knows_it() -> None:
    (job,) = [job for job in JOBS.values() if job.task == rotate_recent_indexes.name]
    assert job.task in app.tasks
    assert job.expires_s < 7 * 86_400


def test_the_command_on_a_young_database(reached: None) -> None:
    """Nothing is old there, so an index over what is not has no use. Nobody is told that something is wrong."""
    output = io.StringIO()
    call_command("db_rotate_indexes", "--json", stdout=output, stderr=io.StringIO())
    (done,) = map(json.loads, output.getvalue().splitlines())
    assert (done["window"], done["outcome"], done["index"]) == (recent.NAME, "declined", None)
    output = io.StringIO()
    call_command("db_rotate_indexes", stdout=output, stderr=io.StringIO())
    told = f"{recent.NAME}: declined, the planner would not use a new one; there is none\n"
    assert output.getvalue() == told
    assert rotate_recent_indexes() == [f"{recent.NAME}: declined"]
    with pytest.raises(CommandError, match="no such window: nothing"):
        call_command("db_rotate_indexes", "nothing")


def test_a_second_one_meanwhile(reached: None) -> None:
    default = Database("default")
    assert catalog.take_lock(default)
    try:
        with pytest.raises(CommandError, match="another rotation"):
            call_command("db_rotate_indexes", stderr=io.StringIO())
        assert rotate_recent_indexes() == []
    finally:
        catalog.release_lock(default)
