"""The audit log."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0015_canned_replies"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("signed_in", "Signed In"),
                            ("sign_in_refused", "Sign In Refused"),
                            ("signed_out", "Signed Out"),
                            ("staff_signed_in", "Staff Signed In"),
                            ("staff_sign_in_refused", "Staff Sign In Refused"),
                            ("role_given", "Role Given"),
                            ("conversation_deleted", "Conversation Deleted"),
                            ("agent_named", "Agent Named"),
                            ("agent_dismissed", "Agent Dismissed"),
                            ("messages_imported", "Messages Imported"),
                            ("webhook_made", "Webhook Made"),
                            ("webhook_changed", "Webhook Changed"),
                            ("webhook_deleted", "Webhook Deleted"),
                            ("export_asked", "Export Asked"),
                            ("export_fetched", "Export Fetched"),
                            ("erasure_asked", "Erasure Asked"),
                        ],
                        max_length=24,
                    ),
                ),
                ("actor", models.UUIDField(blank=True, null=True)),
                ("subject", models.CharField(blank=True, max_length=80)),
                ("detail", models.JSONField(blank=True, default=dict)),
                ("address", models.GenericIPAddressField(blank=True, null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "db_table": "audit_entries",
                "indexes": [
                    models.Index(fields=["at"], name="audit_entries_at"),
                    models.Index(
                        models.F("actor"),
                        models.OrderBy(models.F("at"), descending=True),
                        name="audit_entries_actor",
                    ),
                    models.Index(
                        models.F("action"),
                        models.OrderBy(models.F("at"), descending=True),
                        name="audit_entries_action",
                    ),
                    models.Index(
                        models.F("subject"),
                        models.OrderBy(models.F("at"), descending=True),
                        name="audit_entries_subject",
                    ),
                ],
            },
        ),
    ]
