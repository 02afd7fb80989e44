"""Webhooks, how far each has heard, and what is on its way."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("conversations", "0007_deleted"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=9
                    ),
                ),
                ("business_id", models.CharField(blank=True, max_length=64, null=True)),
                ("secret", models.TextField()),
                ("old_secret", models.TextField(blank=True, null=True)),
                ("old_until", models.DateTimeField(blank=True, null=True)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "disabled_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("switched_off", "Switched Off"),
                            ("given_up", "Given Up"),
                            ("gone", "Gone"),
                            ("not_allowed", "Not Allowed"),
                        ],
                        max_length=16,
                        null=True,
                    ),
                ),
                ("looked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("busy_until", models.DateTimeField(default=django.utils.timezone.now)),
                ("told_in", models.UUIDField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "webhooks",
            },
        ),
        migrations.CreateModel(
            name="WebhookCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.BigIntegerField()),
                ("known", models.BigIntegerField()),
                (
                    "conversation",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.webhook",
                    ),
                ),
            ],
            options={
                "db_table": "webhook_cursors",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, unique=True)),
                ("conversation_id", models.UUIDField()),
                ("event", models.CharField(max_length=32)),
                ("version", models.BigIntegerField()),
                ("seq", models.BigIntegerField(blank=True, null=True)),
                ("payload", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("attempts", models.IntegerField(default=0)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("status", models.IntegerField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="webhooks.webhook",
                    ),
                ),
            ],
            options={
                "db_table": "webhook_deliveries",
            },
        ),
        migrations.AddIndex(
            model_name="webhook",
            index=models.Index(fields=["business_id"], name="webhooks_business"),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at__isnull", True), ("disabled_why__isnull", True)),
                    models.Q(("disabled_at__isnull", False), ("disabled_why__isnull", False)),
                    _connector="OR",
                ),
                name="webhooks_disabled_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("old_secret__isnull", True), ("old_until__isnull", True)),
                    models.Q(("old_secret__isnull", False), ("old_until__isnull", False)),
                    _connector="OR",
                ),
                name="webhooks_old_secret_has_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookcursor",
            constraint=models.UniqueConstraint(
                fields=("webhook", "conversation"), name="webhook_cursors_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                models.F("webhook"),
                models.OrderBy(models.F("id"), descending=True),
                name="webhook_deliveries_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("seq__isnull", False)),
                fields=["webhook", "conversation_id", "seq"],
                name="webhook_deliveries_message",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["webhook", "conversation_id", "id"],
                name="webhook_deliveries_pending",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", False)),
                fields=["settled_at"],
                name="webhook_deliveries_settled",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("state", "pending")),
                    models.Q(models.Q(("state", "pending"), _negated=True), ("settled_at__isnull", False)),
                    _connector="OR",
                ),
                name="webhook_deliveries_settled_has_time",
            ),
        ),
    ]
