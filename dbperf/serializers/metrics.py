"""How the database is."""

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.serializers import CharField, DateTimeField, FloatField, IntegerField

from dbperf.serializers.shape import EVIDENCE, Shape


class DatabaseServer(Shape):
    """The server that was looked at."""

    version = CharField()
    database = CharField()
    replica = serializers.BooleanField()


class DatabasePool(Shape):
    """The connection pool of the process that answers."""

    pool_min = IntegerField()
    pool_max = IntegerField()
    pool_size = IntegerField()
    pool_available = IntegerField()
    requests_waiting = IntegerField()
    requests_errors = IntegerField()


class DatabaseSessions(Shape):
    """Connections of the server, and what those of this database do."""

    connections = IntegerField()
    available = IntegerField(help_text="max_connections less what is reserved.")
    active = IntegerField()
    idle = IntegerField()
    idle_in_transaction = IntegerField()
    longest_transaction_s = FloatField()
    longest_idle_in_transaction_s = FloatField()


class DatabaseLocks(Shape):
    """Who waits for a lock, and deadlocks since the last reset."""

    waiting = IntegerField()
    deadlocks = IntegerField()


class DatabaseTransactions(Shape):
    """Since the last reset."""

    commits = IntegerField()
    rollbacks = IntegerField()


class DatabaseCache(Shape):
    """Blocks found in shared_buffers, since the last reset."""

    hit_pct = FloatField()
    blocks_hit = IntegerField()
    blocks_read = IntegerField()
    counted_since = CharField(allow_null=True)


class SlowStatement(Shape):
    """A statement of the last day, normalised, the costliest first."""

    queryid = CharField()
    text = CharField(allow_null=True, help_text="Null without the permission `dbperf.view_query_text`.")
    calls = IntegerField()
    mean_ms = FloatField()
    total_ms = FloatField()


class DatabaseIndexUse(Shape):
    """How often indexes were used, since the last reset."""

    index_scans = IntegerField()
    seq_scans = IntegerField()
    index_scan_pct = FloatField()
    indexes = IntegerField()
    never_scanned = IntegerField()


class DatabaseVacuum(Shape):
    """Dead rows, and the table that waited longest."""

    dead_rows = IntegerField()
    live_rows = IntegerField()
    oldest_vacuum = CharField(allow_null=True)


class DatabaseWraparound(Shape):
    """Ages of the oldest ids, and where they end."""

    xid_age = IntegerField()
    mxid_age = IntegerField()
    end = IntegerField()


class DatabaseReplication(Shape):
    """Standbys that stream from here."""

    replicas = IntegerField()


class Remedy(Shape):
    """What to do: in words, as SQL, as a line of a model."""

    text = CharField()
    sql = CharField()
    model = CharField()


class DatabaseFinding(Shape):
    """A fault that a check found."""

    key = CharField()
    check = CharField()
    level = serializers.ChoiceField(["info", "warning", "critical"])
    subject = CharField()
    detail = CharField()
    remedy = Remedy()
    evidence = serializers.DictField(help_text=EVIDENCE)


class SkippedCheck(Shape):
    """A check that could not be made."""

    check = CharField()
    reason = CharField()


class DatabaseGap(Shape):
    """Something that cannot be known here."""

    missing = CharField()
    costs = CharField()
    remedy = CharField()


class DatabaseMonitor(Shape):
    """What the watching itself takes: of the disk, and of the time that statements took within a day."""

    size_bytes = IntegerField(allow_null=True)
    budget_bytes = IntegerField()
    time_ms = FloatField(allow_null=True, help_text="Of our own statements; null before two hourly looks.")
    time_share_pct = FloatField(allow_null=True, help_text="Of all statements' time.")
    time_window_s = IntegerField(allow_null=True, help_text="Over how long that was counted.")


@extend_schema_serializer(component_name="DatabaseMetrics")
class Metrics(Shape):
    """How the database is. What was not looked at yet is null."""

    as_of = DateTimeField(
        allow_null=True, help_text="Of sessions, locks, transactions and cache: at most 30 s ago."
    )
    hour_as_of = DateTimeField(allow_null=True, help_text="Of everything else: at most an hour ago.")
    server = DatabaseServer(allow_null=True)
    pool = DatabasePool(allow_null=True)
    sessions = DatabaseSessions(allow_null=True)
    locks = DatabaseLocks(allow_null=True)
    transactions = DatabaseTransactions(allow_null=True)
    cache = DatabaseCache(allow_null=True)
    slow_statements = SlowStatement(many=True)
    index_use = DatabaseIndexUse(allow_null=True)
    bloat = DatabaseFinding(many=True)
    vacuum = DatabaseVacuum(allow_null=True)
    wraparound = DatabaseWraparound(allow_null=True)
    replication = DatabaseReplication(allow_null=True)
    findings = DatabaseFinding(many=True)
    skipped = SkippedCheck(many=True)
    gaps = DatabaseGap(many=True)
    monitor = DatabaseMonitor()
