"""Notes of agents. The locks, for the references, are waited for three seconds at most."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_blocks"),
        ("messaging", "0009_reports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Notebook",
            fields=[
                (
                    "conversation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="conversations.conversation",
                    ),
                ),
                ("last_number", models.BigIntegerField(default=0)),
                ("version", models.BigIntegerField(default=0)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "notebooks",
                "indexes": [models.Index(fields=["changed_at"], name="notebooks_changed")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("last_number__gte", 0), ("version__gte", models.F("last_number"))
                        ),
                        name="notebooks_counters",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("version", models.BigIntegerField()),
                ("created_version", models.BigIntegerField()),
                ("after_seq", models.BigIntegerField()),
                ("content", models.TextField(blank=True)),
                ("client_id", models.CharField(blank=True, max_length=64, null=True)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sender",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "notebook",
                    models.ForeignKey(
                        db_column="conversation_id",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="messaging.notebook",
                    ),
                ),
            ],
            options={
                "db_table": "notes",
                "indexes": [
                    models.Index(fields=["notebook", "after_seq", "number"], name="notes_place"),
                    models.Index(fields=["notebook", "version"], name="notes_version"),
                    models.Index(fields=["sender"], name="notes_sender"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("notebook", "number"), name="notes_unique_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("client_id__isnull", False)),
                        fields=("notebook", "sender", "client_id"),
                        name="notes_unique_client_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("after_seq__gte", 0),
                            ("created_version__lte", models.F("version")),
                            ("number__gte", 1),
                        ),
                        name="notes_counters",
                    ),
                ],
            },
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
