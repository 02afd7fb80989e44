"""What messages said before. The lock on `messages`, for the reference, is waited for at most three seconds."""

import django.db.models.deletion
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0007_replies"),
    ]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.BigIntegerField()),
                ("content", models.TextField()),
                ("written_at", models.DateTimeField()),
                ("replaced_at", models.DateTimeField()),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="messaging.message",
                    ),
                ),
            ],
            options={
                "db_table": "message_revisions",
                "constraints": [
                    models.UniqueConstraint(fields=("message", "version"), name="message_revisions_unique")
                ],
            },
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
