"""Slow mode: a column that is null where there is none, so that nothing is rewritten. The check is added without looking
at what is there, which is null, and looked through afterwards, while everything goes on.

The lock is waited for at most three seconds, so that what goes on is not held up behind this; then nothing was done,
and it can be tried again.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [("conversations", "0010_content_keys")]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.AddField("conversation", "slow_mode_s", models.IntegerField(blank=True, null=True)),
        AddConstraintNotValid(
            "conversation",
            models.CheckConstraint(
                condition=models.Q(
                    ("slow_mode_s", None),
                    models.Q(("slow_mode_s__range", (1, 21600)), ("type", "group")),
                    _connector="OR",
                ),
                name="conversations_slow_mode",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
