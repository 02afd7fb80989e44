from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("dbperf", "0007_alerts"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="dashboard",
            options={
                "default_permissions": ("view",),
                "permissions": [("kill_backend", "Can cancel statements and end sessions")],
                "verbose_name": "dashboard",
                "verbose_name_plural": "dashboard",
            },
        ),
    ]
