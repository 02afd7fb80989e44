"""What was seen of the database, and what was done to it."""

from django.db import models


class Snapshot(models.Model):
    """Figures of one moment, as JSON: `pulse` twice a minute, `metrics`, `size` and the peaks of pulses (`hour`) every
    hour, `report` every week, and the last counters read (`statements`, `relations`), from which the next deltas are
    made."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16)
    taken_at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "-taken_at"], name="dbperf_snapshot_newest")
        ]  # the latest of a kind

    def __str__(self) -> str:
        return f"{self.kind} {self.taken_at:%Y-%m-%d %H:%M:%S}"


class Statement(models.Model):
    """A statement as pg_stat_statements tells them apart. The text is normalised: $1 instead of values."""

    id = models.BigAutoField(primary_key=True)
    queryid = models.BigIntegerField()
    userid = models.BigIntegerField()
    dbid = models.BigIntegerField()
    toplevel = models.BooleanField()
    text = models.TextField()
    own = models.BooleanField(default=False)  # asked by dbperf itself
    first_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["queryid", "userid", "dbid", "toplevel"], name="dbperf_statement_identity"
            )
        ]

    def __str__(self) -> str:
        return self.text[:80]


class StatementUse(models.Model):
    """What a statement did between two looks."""

    id = models.BigAutoField(primary_key=True)
    statement = models.ForeignKey(Statement, models.CASCADE, related_name="uses")
    taken_at = models.DateTimeField()
    window_s = models.FloatField()
    calls = models.BigIntegerField()
    total_ms = models.FloatField()
    rows = models.BigIntegerField()
    blocks_hit = models.BigIntegerField()
    blocks_read = models.BigIntegerField()
    temp_blocks = models.BigIntegerField()
    wal_bytes = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["taken_at"], name="dbperf_use_when"),  # the costliest of a period; retention
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.taken_at:%Y-%m-%d %H:%M}"


class RelationDay(models.Model):
    """A table, an index or the whole database on one day: its size at last, and how it was used that day."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=5, choices=[(kind, kind) for kind in ("table", "index", "whole")])
    name = models.CharField(max_length=200)  # schema.name, or that of the database
    day = models.DateField()
    size_bytes = models.BigIntegerField()
    scans = models.BigIntegerField(default=0)
    writes = models.BigIntegerField(default=0)  # of a table: rows inserted, updated, deleted

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "name", "day"], name="dbperf_relation_day"
            ),  # a line over days
        ]
        indexes = [models.Index(fields=["day"], name="dbperf_relation_when")]  # retention

    def __str__(self) -> str:
        return f"{self.name} {self.day}"


class StoredFinding(models.Model):
    """A finding of a check, from when it was first seen until it was gone."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=300, unique=True)
    check_name = models.CharField(max_length=40)
    level = models.CharField(max_length=8)
    subject = models.CharField(max_length=250)
    detail = models.TextField()
    evidence = models.JSONField(default=dict)
    remedy = models.JSONField(default=dict)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "suggestion"
        indexes = [
            models.Index(fields=["check_name"], name="dbperf_finding_check")
        ]  # the suggestions of one kind

    def __str__(self) -> str:
        return self.detail


class ExplainCall(models.Model):
    """That somebody asked for a plan, and how it ended: a log that is only ever added to. Without the values: the
    statement is normalised."""

    id = models.BigAutoField(primary_key=True)
    asked_at = models.DateTimeField()
    door = models.CharField(max_length=8)  # rest, admin or command
    asker_id = models.CharField(max_length=64)  # no foreign key: the log outlives the account
    asker_name = models.CharField(max_length=150)
    queryid = models.BigIntegerField(null=True)
    text = models.TextField()
    analyze = models.BooleanField()
    outcome = models.CharField(max_length=32)  # begun, explained, failed, or why it was refused
    took_ms = models.IntegerField(null=True)

    class Meta:
        verbose_name = "plan"
        default_permissions = ("view",)
        permissions = [
            ("explain", "Can have statements explained"),
            (
                "explain_analyze",
                "Can have statements run and measured, which amounts to reading their tables",
            ),
            ("view_query_text", "Can see the texts of statements beside their plans"),
        ]

    def __str__(self) -> str:
        return f"{self.asker_name} {self.asked_at:%Y-%m-%d %H:%M:%S}"


class MaintenanceRun(models.Model):
    """A round of maintenance: what was asked for, how far it is, and a result for each table.

    `active` is true or null, and unique: there is one at a time.
    """

    id = models.BigAutoField(primary_key=True)
    operation = models.CharField(max_length=16)
    tables = models.JSONField(default=list)  # asked for; empty: what is due
    state = models.CharField(max_length=9, default="queued")  # queued, running, done, cancelled, failed
    active = models.BooleanField(null=True, unique=True)
    asked_by = models.CharField(max_length=150)
    most_minutes = models.IntegerField()
    created_at = models.DateTimeField()
    beat_at = models.DateTimeField()  # its process was alive
    ended_at = models.DateTimeField(null=True)
    cancel_asked = models.BooleanField(default=False)
    progress = models.JSONField(default=dict)
    results = models.JSONField(default=list)
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = "maintenance"
        default_permissions = ("view",)
        permissions = [("run_maintenance", "Can start and stop maintenance")]

    def __str__(self) -> str:
        return f"{self.operation} {self.created_at:%Y-%m-%d %H:%M}"


class Dashboard(Snapshot):
    """The dashboard's place among the admin's pages."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = "dashboard"
        default_permissions = ("view",)
        permissions = [("kill_backend", "Can cancel statements and end sessions")]


class Report(Snapshot):
    """The weekly reports' place among the admin's pages."""

    class Meta:
        proxy = True
        verbose_name = "weekly report"
        default_permissions = ()


class Origin(models.Model):
    """A statement, run for a piece of work (a request, an op, a task) from one line of the project's code."""

    id = models.BigAutoField(primary_key=True)
    fingerprint = models.CharField(max_length=32)
    kind = models.CharField(max_length=8)
    name = models.CharField(max_length=200)
    place = models.CharField(max_length=200)  # file:line
    text = models.TextField()  # without values
    first_seen = models.DateTimeField()
    first_release = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint", "kind", "name", "place"], name="dbperf_origin_identity"
            )  # also: where a statement comes from
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.name}"


class OriginHour(models.Model):
    """What came from there within an hour."""

    id = models.BigAutoField(primary_key=True)
    origin = models.ForeignKey(
        Origin, models.CASCADE, related_name="hours", db_index=False
    )  # the unique one does
    hour = models.DateTimeField()
    calls = models.BigIntegerField()
    total_ms = models.FloatField()
    works = models.BigIntegerField()
    repeated = models.BigIntegerField()  # works that ran it many times
    most = models.BigIntegerField()  # times in one work

    class Meta:
        constraints = [models.UniqueConstraint(fields=["origin", "hour"], name="dbperf_origin_hour")]
        indexes = [models.Index(fields=["hour"], name="dbperf_origin_when")]  # of a period

    def __str__(self) -> str:
        return f"{self.origin_id} {self.hour:%Y-%m-%d %H:%M}"


class EndpointHour(models.Model):
    """What one kind of work took within an hour, and how much of that in the database."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8)
    name = models.CharField(max_length=200)
    hour = models.DateTimeField()
    works = models.BigIntegerField()
    total_ms = models.FloatField()
    database_ms = models.FloatField()
    calls = models.BigIntegerField()

    class Meta:
        verbose_name = "endpoint"
        constraints = [
            models.UniqueConstraint(fields=["hour", "kind", "name"], name="dbperf_endpoint_hour")
        ]  # also: of a period

    def __str__(self) -> str:
        return f"{self.name} {self.hour:%Y-%m-%d %H:%M}"
