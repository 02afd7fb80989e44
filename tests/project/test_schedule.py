"""What the clock does: made once, then the admin's."""

from datetime import timedelta

import pytest
from celery import current_app
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from chatbackend.schedule import JOBS

pytestmark = pytest.mark.django_db


def test_each_job_is_there_and_its_task_exists() -> None:
    current_app.loader.import_default_modules()
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    assert rows.keys() >= JOBS.keys()
    assert all(rows[name].enabled and rows[name].task == job.task for name, job in JOBS.items())
    assert {job.task for job in JOBS.values()} <= current_app.tasks.keys()


def test_what_the_admin_changed_stays() -> None:
    row = PeriodicTask.objects.get(name="database: pulse")
    row.interval = IntervalSchedule.objects.create(every=5, period="minutes")
    row.enabled = False
    row.save()
    PeriodicTask.objects.filter(name="database: weekly report").delete()
    call_command("migrate", verbosity=0)
    row.refresh_from_db()
    assert (row.enabled, row.interval.every) == (False, 5)
    assert PeriodicTask.objects.filter(name="database: weekly report").count() == 1
    assert PeriodicTask.objects.filter(name__in=JOBS).count() == len(JOBS)


@pytest.mark.parametrize("name", JOBS)
def test_each_expires_before_its_next_run(name: str) -> None:
    schedule = PeriodicTask.objects.get(name=name).schedule
    first = schedule.remaining_estimate(timezone.now())
    second = schedule.remaining_estimate(timezone.now() + first + timedelta(seconds=1))
    period = JOBS[name].every or second - first
    assert timedelta(seconds=JOBS[name].expires_s) < period
