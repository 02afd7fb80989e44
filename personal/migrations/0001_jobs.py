"""Exports and erasures. The locks, for the references, are waited for three seconds at most."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("own_export", "Own Export"),
                            ("conversation_export", "Conversation Export"),
                            ("erasure", "Erasure"),
                        ],
                        max_length=20,
                    ),
                ),
                ("conversation_id", models.UUIDField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("expired", "Expired"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_allowed", "Not Allowed"),
                            ("storage_unavailable", "Storage"),
                            ("broken", "Broken"),
                        ],
                        max_length=20,
                    ),
                ),
                ("done", models.BigIntegerField(default=0)),
                ("whole", models.BigIntegerField(default=0)),
                ("attempts", models.IntegerField(default=0)),
                ("turn", models.UUIDField(blank=True, null=True)),
                ("busy_until", models.DateTimeField(default=django.utils.timezone.now)),
                ("result", models.JSONField(blank=True, default=dict)),
                ("size", models.BigIntegerField(blank=True, null=True)),
                ("key_name", models.CharField(blank=True, max_length=32, null=True)),
                ("sealed_key", models.BinaryField(blank=True, max_length=60, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("kept_until", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "personal_jobs",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["created_at"],
                        name="personal_jobs_due",
                    ),
                    models.Index(
                        models.F("asked_by"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        name="personal_jobs_asked_by",
                    ),
                    models.Index(
                        condition=models.Q(("subject__isnull", False)),
                        fields=["subject"],
                        name="personal_jobs_subject",
                    ),
                    models.Index(
                        condition=models.Q(("conversation_id__isnull", False)),
                        fields=["conversation_id"],
                        name="personal_jobs_conversation",
                    ),
                    models.Index(
                        condition=models.Q(("subject", None)), fields=["ended_at"], name="personal_jobs_ended"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["queued", "running"]), ("subject", None)),
                        fields=("asked_by", "kind", "conversation_id"),
                        name="personal_jobs_one_export",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["queued", "running"]), ("subject__isnull", False)),
                        fields=("subject",),
                        name="personal_jobs_one_erasure",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("conversation_id", None), ("kind", "own_export"), ("subject", None)),
                            models.Q(
                                ("conversation_id__isnull", False),
                                ("kind", "conversation_export"),
                                ("subject", None),
                            ),
                            models.Q(
                                ("conversation_id", None), ("kind", "erasure"), ("subject__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="personal_jobs_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("state__in", ["queued", "running"])),
                            models.Q(
                                ("ended_at__isnull", False), ("state__in", ["done", "failed", "expired"])
                            ),
                            _connector="OR",
                        ),
                        name="personal_jobs_ended_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key_name", None), ("sealed_key", None)),
                            models.Q(("key_name__isnull", False), ("sealed_key__isnull", False)),
                            _connector="OR",
                        ),
                        name="personal_jobs_key_has_name",
                    ),
                ],
            },
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
