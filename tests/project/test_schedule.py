"""What the clock does: made once, then the admin's."""

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
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


def test_no_task_is_refused_or_cut_short_by_a_limit_that_it_did_not_choose() -> None:
    """Celery does not send a task whose soft limit is above its hard one, and the soft limit of the settings holds for
    each that names none."""
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}
    assert ours.keys() >= {job.task for job in JOBS.values()}
    chosen = {name: (task.soft_time_limit or 0, task.time_limit or 0) for name, task in ours.items()}
    default = (settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT)
    assert [name for name, (soft, hard) in chosen.items() if not 0 < soft < hard] == []
    same = {name: (soft == default[0], hard == default[1]) for name, (soft, hard) in chosen.items()}
    assert [name for name, (soft, hard) in same.items() if soft != hard] == []


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
