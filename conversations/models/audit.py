from django.db import models
from django.db.models import F
from django.utils import timezone


class AuditEntry(models.Model):
    """Who did something that security is asked about later. Written in the transaction that did it; never changed.

    `actor` and `subject` are no references: what was done outlives whoever it was done by and to. What staff change in
    the admin stands in the admin's own log.
    """

    class Action(models.TextChoices):
        REGISTERED = "registered"
        SIGNED_IN = "signed_in"
        SIGN_IN_REFUSED = "sign_in_refused"
        SIGNED_OUT = "signed_out"
        STAFF_SIGNED_IN = "staff_signed_in"
        STAFF_SIGN_IN_REFUSED = "staff_sign_in_refused"
        ROLE_GIVEN = "role_given"
        CONVERSATION_DELETED = "conversation_deleted"
        AGENT_NAMED = "agent_named"
        AGENT_DISMISSED = "agent_dismissed"
        MESSAGES_IMPORTED = "messages_imported"
        WEBHOOK_MADE = "webhook_made"
        WEBHOOK_CHANGED = "webhook_changed"
        WEBHOOK_DELETED = "webhook_deleted"
        EXPORT_ASKED = "export_asked"
        EXPORT_FETCHED = "export_fetched"
        ERASURE_ASKED = "erasure_asked"

    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=24, choices=Action)
    actor = models.UUIDField(null=True, blank=True)
    subject = models.CharField(max_length=80, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "audit_entries"
        verbose_name_plural = "audit entries"
        indexes = [
            # The newest, and the purge.
            models.Index(fields=["at"], name="audit_entries_at"),
            # What somebody did; the newest first.
            models.Index("actor", F("at").desc(), name="audit_entries_actor"),
            # All of a kind, such as refused sign-ins.
            models.Index("action", F("at").desc(), name="audit_entries_action"),
            # What was done to something.
            models.Index("subject", F("at").desc(), name="audit_entries_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor or 'nobody known'}"
