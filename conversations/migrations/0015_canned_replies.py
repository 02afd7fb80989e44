"""What a business's agents say often."""

import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0014_snooze_checked"),
    ]

    operations = [
        migrations.CreateModel(
            name="CannedReply",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("business_id", models.CharField(max_length=64)),
                ("shortcut", models.CharField(max_length=40)),
                ("content", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "canned_replies",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("business_id", "shortcut"), name="canned_replies_unique_shortcut"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("shortcut", ""), _negated=True),
                            models.Q(("content", ""), _negated=True),
                        ),
                        name="canned_replies_say_something",
                    ),
                ],
            },
        ),
    ]
