"""The check of slow mode, looked through: apart from its making, so that no lock is held meanwhile."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0011_slow_mode")]

    operations = [ValidateConstraint("conversation", "conversations_slow_mode")]
