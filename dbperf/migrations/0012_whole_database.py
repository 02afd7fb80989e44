"""The whole database has a line a day, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Changes nothing in PostgreSQL."""

    dependencies = [("dbperf", "0011_verdicts")]

    operations = [
        migrations.AlterField(
            model_name="relationday",
            name="kind",
            field=models.CharField(
                choices=[("table", "table"), ("index", "index"), ("whole", "whole")], max_length=5
            ),
        ),
    ]
