"""Reported messages. The locks, for the references, are waited for three seconds at most."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0008_revisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("spam", "Spam"),
                            ("abuse", "Abuse"),
                            ("illegal", "Illegal"),
                            ("other", "Other"),
                        ],
                        max_length=8,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=1000)),
                ("reported_at", models.DateTimeField(auto_now_add=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("dismissed", "Dismissed"), ("taken_down", "Taken Down")],
                        max_length=10,
                        null=True,
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="messaging.message",
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "reports",
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at", None)), fields=["reported_at"], name="reports_open"
                    ),
                    models.Index(
                        models.OrderBy(models.F("closed_at"), descending=True),
                        condition=models.Q(("closed_at__isnull", False)),
                        name="reports_closed",
                    ),
                    models.Index(
                        models.F("reporter"),
                        models.OrderBy(models.F("reported_at"), descending=True),
                        name="reports_reporter",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("message", "reporter"), name="reports_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("outcome", None)),
                            models.Q(("closed_at__isnull", False), ("outcome__isnull", False)),
                            _connector="OR",
                        ),
                        name="reports_closed_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason__in", ["spam", "abuse", "illegal", "other"])),
                        name="reports_reason",
                    ),
                ],
            },
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
