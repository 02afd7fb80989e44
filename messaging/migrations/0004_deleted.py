from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the table is large: the index is built beside what goes on
    dependencies = [("messaging", "0003_reactions")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("client_id__isnull", False), ("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="messages_deleted",
            ),
        ),
    ]
