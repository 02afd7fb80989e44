from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the tables are large: the indexes are built beside what goes on
    dependencies = [
        ("conversations", "0003_socket_notices"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(fields=["changed_at"], name="conversations_changed"),
        ),
        AddIndexConcurrently(
            model_name="participant",
            index=models.Index(fields=["joined_at"], name="participants_joined"),
        ),
    ]
