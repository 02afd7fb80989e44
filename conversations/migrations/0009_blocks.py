"""Who does not want to hear from whom. The locks on `users`, for the references, are waited for three seconds at most."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [("conversations", "0008_pins")]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("blocked_at", models.DateTimeField(auto_now_add=True)),
                (
                    "blocked",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "blocks",
                "indexes": [models.Index(fields=["blocked"], name="blocks_blocked")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "blocked"), name="blocks_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("user", models.F("blocked")), _negated=True),
                        name="blocks_not_oneself",
                    ),
                ],
            },
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
