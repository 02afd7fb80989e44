"""Snoozed cases: columns that are null where nothing sleeps. The check is added without looking at what is there, and
looked through afterwards. The lock is waited for at most three seconds; then nothing was done, and it can be tried again.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [("conversations", "0012_slow_mode_checked")]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.AddField("businesscase", "snoozed_until", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("businesscase", "snoozed_seq", models.BigIntegerField(blank=True, null=True)),
        AddConstraintNotValid(
            "businesscase",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("snoozed_seq", None), ("snoozed_until", None)),
                    models.Q(
                        ("snoozed_seq__gte", 0),
                        ("snoozed_seq__isnull", False),
                        ("snoozed_until__isnull", False),
                        models.Q(("status", "resolved"), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="cases_snoozed_is_open",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
