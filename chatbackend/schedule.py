"""What the clock does, as it is to begin with. The rows are made once and are then the admin's to change:
django-celery-beat would write settings over them at each start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone


@dataclass(frozen=True, slots=True)
class Job:
    """A task and its times: `every`, or the fields of a crontab in UTC. A run that could not start within `expires_s`
    is left out: it is always before the next one."""

    task: str
    expires_s: int
    every: timedelta | None = None
    at: Mapping[str, str] | None = None


JOBS: Final[dict[str, Job]] = {
    "purge expired sign-ins": Job("conversations.tasks.purge_expired", 3_000, every=timedelta(hours=1)),
    "purge files that no message carries": Job(
        "messaging.tasks.purge_attachments", 3_000, every=timedelta(hours=1)
    ),
    # Before the nightly maintenance, which clears up behind it.
    "purge what was deleted long ago": Job(
        "messaging.tasks.purge_deleted", 3 * 3_600, at={"hour": "1", "minute": "20"}
    ),
    "archive quiet conversations": Job(
        "conversations.tasks.archive_quiet", 3 * 3_600, at={"hour": "0", "minute": "40"}
    ),
    "wake cases": Job("conversations.tasks.wake_cases", 50, every=timedelta(minutes=1)),
    "webhooks: round": Job("webhooks.tasks.round", 4, every=timedelta(seconds=5)),
    "webhooks: hourly look": Job("webhooks.tasks.hourly", 3_000, at={"minute": "37"}),
    "personal data: pulse": Job("personal.tasks.pulse", 25, every=timedelta(seconds=30)),
    "personal data: purge exports": Job("personal.tasks.purge", 3_000, at={"minute": "17"}),
    "database: pulse": Job("dbperf.tasks.pulse", 25, every=timedelta(seconds=30)),
    "database: nightly maintenance": Job("dbperf.tasks.nightly", 3 * 3_600, at={"hour": "2", "minute": "0"}),
    "database: hourly look": Job("dbperf.tasks.hourly", 3_000, at={"minute": "7"}),
    "database: weekly report": Job(
        "dbperf.tasks.weekly", 6 * 3_600, at={"day_of_week": "monday", "hour": "5", "minute": "15"}
    ),
    "database: plans of the hot queries": Job(
        "dbperf.tasks.watch_plans", 6 * 3_600, at={"hour": "4", "minute": "10"}
    ),
    "database: rotate window indexes": Job(
        "dbperf.tasks.rotate_recent_indexes",
        6 * 3_600,
        at={"day_of_week": "sunday", "hour": "3", "minute": "30"},
    ),
}


def make_missing(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """After each migrate: a row for each job that has none. To switch one off, disable it; a deleted one comes back."""
    if "django_celery_beat_periodictask" not in connections[using].introspection.table_names():
        return
    task_model = apps.get_model("django_celery_beat", "PeriodicTask")
    there = set(task_model.objects.using(using).values_list("name", flat=True))
    missing = [
        task_model(name=name, task=job.task, expire_seconds=job.expires_s, **_times(job, using))
        for name, job in JOBS.items()
        if name not in there
    ]
    if missing:
        # Not by save(), which looks for the name in the default database; so the clock is told here.
        task_model.objects.using(using).bulk_create(missing)
        changes = apps.get_model("django_celery_beat", "PeriodicTasks").objects.using(using)
        changes.update_or_create(ident=1, defaults={"last_update": timezone.now()})


def _times(job: Job, using: str) -> dict[str, Any]:
    if job.every is not None:
        model = apps.get_model("django_celery_beat", "IntervalSchedule")
        interval = {"every": round(job.every.total_seconds()), "period": "seconds"}
        return {"interval": model.objects.using(using).get_or_create(**interval)[0]}
    model = apps.get_model("django_celery_beat", "CrontabSchedule")
    times = {"day_of_week": "*", "hour": "*", "minute": "*", **(job.at or {}), "timezone": "UTC"}
    return {"crontab": model.objects.using(using).get_or_create(**times)[0]}
