from django.conf import settings
from django.db import models


class SocketProcess(models.Model):
    """A process that holds sockets. One that does not say that it lives is taken for dead, and its people for gone."""

    id = models.UUIDField(primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "socket_processes"

    def __str__(self) -> str:
        return str(self.pk)


class Presence(models.Model):
    """Somebody with sockets in a process; `active` where they did something there lately."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    process = models.ForeignKey(SocketProcess, models.CASCADE, related_name="+", db_index=False)
    active = models.BooleanField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "presences"
        constraints = [
            # Where somebody is, and one row for each process that has them.
            models.UniqueConstraint(fields=["user", "process"], name="presences_unique_user"),
        ]
        indexes = [
            # Who came, or became active or not, in the last seconds.
            models.Index(fields=["changed_at"], name="presences_changed"),
            # Everybody of a process that died.
            models.Index(fields=["process"], name="presences_process"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.process_id}"


class LastSeen(models.Model):
    """When somebody who left was here last. `changed_at` is when that was written, which may be later."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "last_seen"
        indexes = [
            # Who left in the last seconds.
            models.Index(fields=["changed_at"], name="last_seen_changed"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.seen_at}"
