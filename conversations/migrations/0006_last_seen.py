import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0005_sessions_of_sockets"),
    ]

    operations = [
        migrations.CreateModel(
            name="LastSeen",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("seen_at", models.DateTimeField()),
            ],
            options={"db_table": "last_seen"},
        ),
        # Rows are updated in place, time and again: room for that on each page keeps the index out of it.
        migrations.RunSQL(
            "ALTER TABLE last_seen SET (fillfactor = 70)", "ALTER TABLE last_seen RESET (fillfactor)"
        ),
    ]
