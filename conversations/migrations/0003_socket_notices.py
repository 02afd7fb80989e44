import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0002_relations"),
    ]

    operations = [
        migrations.CreateModel(
            name="SocketNotice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("change", models.CharField(max_length=16)),
                ("business_id", models.CharField(blank=True, max_length=64, null=True)),
                ("told_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "socket_notices",
                "indexes": [models.Index(fields=["told_at"], name="socket_notices_told")],
            },
        ),
    ]
