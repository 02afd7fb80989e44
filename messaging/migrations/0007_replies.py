from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the table is large: the index is built beside what goes on
    dependencies = [("messaging", "0006_sealed_attachments")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("reply_to_seq__isnull", False)),
                fields=["conversation", "reply_to_seq", "seq"],
                name="messages_replies",
            ),
        ),
    ]
