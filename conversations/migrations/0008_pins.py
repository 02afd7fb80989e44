"""Pinned messages: a column that is null where there are none, so that nothing is rewritten.

The lock is waited for at most three seconds, so that what goes on is not held up behind this; then nothing was done,
and it can be tried again.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_deleted")]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="conversation",
            name="pins",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, null=True, size=None
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
