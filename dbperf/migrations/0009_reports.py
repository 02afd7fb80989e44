from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("dbperf", "0008_kill_backend"),
    ]

    operations = [
        migrations.CreateModel(
            name="Report",
            fields=[],
            options={
                "verbose_name": "weekly report",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("dbperf.snapshot",),
        ),
        migrations.AlterModelOptions(
            name="alert",
            options={
                "default_permissions": (),
                "permissions": [
                    ("view_metrics", "Can see alerts and weekly reports"),
                    ("mute_alert", "Can mute alerts"),
                ],
            },
        ),
    ]
