"""The check of snoozed cases, looked through, and its index, built while everything goes on."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0013_snooze")]

    operations = [
        ValidateConstraint("businesscase", "cases_snoozed_is_open"),
        AddIndexConcurrently(
            "businesscase",
            models.Index(
                condition=models.Q(("snoozed_until__isnull", False)),
                fields=["snoozed_until"],
                name="cases_snoozed",
            ),
        ),
    ]
