from django.db import migrations, models

PATIENCE = "SET LOCAL lock_timeout = '3s'"


class Migration(migrations.Migration):
    dependencies = [("messaging", "0005_attachments")]

    operations = [
        migrations.RunSQL(PATIENCE, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="attachment",
            name="key_name",
            field=models.CharField(blank=True, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="attachment",
            name="sealed_key",
            field=models.BinaryField(blank=True, max_length=60, null=True),
        ),
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("key_name", None), ("sealed_key", None)),
                    models.Q(("key_name__isnull", False), ("sealed_key__isnull", False)),
                    _connector="OR",
                ),
                name="attachments_key_has_name",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PATIENCE),
    ]
