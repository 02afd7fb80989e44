from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0004_sweep_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="socketticket",
            name="session",
            field=models.CharField(blank=True, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="socketnotice",
            name="session",
            field=models.CharField(blank=True, max_length=32, null=True),
        ),
        migrations.AddIndex(
            model_name="socketnotice",
            index=models.Index(
                fields=["session"],
                name="socket_notices_session",
                condition=models.Q(("session__isnull", False)),
            ),
        ),
    ]
