"""Shapes of the replies, for the OpenAPI document. No serializer runs: what is kept is JSON already."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.serializers import CharField, DateTimeField, FloatField, IntegerField

from dbperf.maintenance.choosing import Cause, Operation
from dbperf.services.maintaining import MOST_TABLES
from dbperf.services.telling import KINDS

EVIDENCE = (
    "The numbers, by names that carry their units; where there is a statement, its `text`, which is null without the"
    " permission `dbperf.view_query_text`."
)
QUERYID = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Shape(serializers.Serializer[Any]):
    """An object of a reply."""


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
    """What the history itself takes, and may take."""

    size_bytes = IntegerField(allow_null=True)
    budget_bytes = IntegerField()


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


class TableSize(Shape):
    """A table. Sizes are as of its last VACUUM or ANALYZE."""

    name = CharField()
    rows = IntegerField()
    table_bytes = IntegerField()
    indexes_bytes = IntegerField()
    total_bytes = IntegerField()
    dead_rows = IntegerField()
    seq_scans = IntegerField()
    index_scans = IntegerField()
    vacuumed_at = CharField(allow_null=True)
    analyzed_at = CharField(allow_null=True)
    grown_bytes = IntegerField(allow_null=True)
    grown_days = IntegerField(allow_null=True)


class IndexSize(Shape):
    """An index."""

    name = CharField()
    table = CharField()
    size_bytes = IntegerField()
    scans = IntegerField()
    grown_bytes = IntegerField(allow_null=True)
    grown_days = IntegerField(allow_null=True)


@extend_schema_serializer(component_name="DatabaseSize")
class Size(Shape):
    """The database and what is largest in it."""

    as_of = DateTimeField(allow_null=True)
    database_bytes = IntegerField(allow_null=True)
    tables = TableSize(many=True)
    indexes = IndexSize(many=True)


class IndexSuggestion(Shape):
    """Something that could be better about an index."""

    key = CharField()
    kind = serializers.ChoiceField(list(KINDS))
    level = serializers.ChoiceField(["info", "warning", "critical"])
    subject = CharField()
    detail = CharField()
    evidence = serializers.DictField(help_text=EVIDENCE)
    remedy = CharField()
    sql = CharField()
    model = CharField(help_text="The line for the model, where there is one.")
    first_seen = DateTimeField()
    last_seen = DateTimeField()


@extend_schema_serializer(component_name="IndexSuggestions")
class Suggestions(Shape):
    """What the last look found, without what was muted."""

    as_of = DateTimeField(allow_null=True)
    results = IndexSuggestion(many=True)


class Asked(serializers.Serializer[Any]):
    """What to explain: `sql`, or `queryid`."""

    sql = CharField(required=False, trim_whitespace=False, max_length=10_000, help_text="One SELECT.")
    queryid = CharField(
        required=False,
        max_length=20,
        help_text="Of a statement that was seen running, as `/admin/database/metrics` names it.",
    )
    params = serializers.ListField(
        child=serializers.JSONField(),
        required=False,
        max_length=50,
        help_text="Values of $1, $2 …: strings, numbers, booleans or null. Left out: the plan for any values.",
    )
    analyze = serializers.BooleanField(required=False, help_text="Run it, too, and say what came.")

    def to_internal_value(self, data: Any) -> Any:
        """Takes what it names and nothing that merely resembles it."""
        if isinstance(data, dict):
            self._refuse_strangers(data)
        return super().to_internal_value(data)

    def _refuse_strangers(self, data: dict[str, Any]) -> None:
        if unknown := [str(name)[:64] for name in data if name not in self.fields]:
            raise ParseError(f"Unknown fields: {', '.join(unknown[:10])}.", code="unknown_field")
        kinds = {"sql": str, "queryid": str, "analyze": bool}
        wrong = [name for name, kind in kinds.items() if name in data and type(data[name]) is not kind]
        if wrong:
            raise serializers.ValidationError(dict.fromkeys(wrong, "Not of this type."), code="invalid")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("sql" in attrs) == ("queryid" in attrs):
            raise serializers.ValidationError("Give sql or queryid.", code="invalid")
        if any(isinstance(value, dict | list) for value in attrs.get("params", ())):
            raise serializers.ValidationError({"params": "Plain values only."}, code="invalid")
        number = attrs.get("queryid", "0")
        if not QUERYID.fullmatch(number) or not -(2**63) <= int(number) < 2**63:
            raise serializers.ValidationError({"queryid": "A whole number."}, code="invalid")
        return attrs


class PlanNode(Shape):
    """A step of the plan, in the order of the tree."""

    depth = IntegerField()
    kind = CharField()
    subject = CharField(help_text="The table, and the index it is read by.")
    rows = IntegerField(help_text="Expected.")
    width = IntegerField()
    own_cost = FloatField(help_text="Without that of the steps below.")
    share_pct = FloatField(help_text="Of the whole: of its time where it was run, else of its cost.")
    actual_rows = FloatField(allow_null=True)
    loops = FloatField(allow_null=True)
    own_ms = FloatField(allow_null=True)
    blocks = IntegerField(allow_null=True)
    details = serializers.ListField(child=CharField())
    costliest = serializers.BooleanField()


@extend_schema_serializer(component_name="QueryPlan")
class Plan(Shape):
    """A plan without values: `?` stands in their place."""

    mode = serializers.ChoiceField(["explain", "analyze"])
    origin = serializers.ChoiceField(["sql", "captured"], help_text="Typed in, or seen running.")
    statement = CharField(allow_null=True, help_text="Normalised; null without the permission to see it.")
    queryid = CharField(allow_null=True)
    generic = serializers.BooleanField(help_text="Whether it is the plan for any values.")
    total_cost = FloatField()
    plan = serializers.DictField(help_text="PostgreSQL's own JSON, without values.")
    nodes = PlanNode(many=True)
    warnings = serializers.ListField(child=CharField())


class Optimize(serializers.Serializer[Any]):
    """What to have done."""

    operation = serializers.ChoiceField([each.value for each in Operation])
    tables = serializers.ListField(
        child=CharField(max_length=130),
        required=False,
        max_length=MOST_TABLES,
        help_text="By name, or schema.name; without it those that are due.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Takes what it names and nothing else."""
        if isinstance(data, dict) and (
            unknown := [str(name)[:64] for name in data if name not in self.fields]
        ):
            raise ParseError(f"Unknown fields: {', '.join(unknown[:10])}.", code="unknown_field")
        return super().to_internal_value(data)


class JobProgress(Shape):
    """The table it is at, and how many blocks of the present phase are done."""

    table = CharField()
    phase = CharField(required=False)
    done = IntegerField(required=False)
    whole = IntegerField(required=False)


class JobResult(Shape):
    """What came of a table."""

    table = CharField()
    why = CharField(help_text="Why it was its turn.")
    cause = serializers.ChoiceField([each.value for each in Cause], help_text="The same, for programs.")
    outcome = serializers.ChoiceField(["done", "skipped", "stopped", "failed"])
    note = CharField(
        help_text="Why it was left or stopped, what keeps dead rows, which indexes were rebuilt."
    )
    took_s = FloatField()
    dead_before = IntegerField(allow_null=True, help_text="Null where nobody looked.")
    dead_after = IntegerField(allow_null=True, help_text="Null where it did not come to its end.")


class Job(Shape):
    """A round of maintenance."""

    job = IntegerField()
    operation = serializers.ChoiceField([each.value for each in Operation])
    tables = serializers.ListField(child=CharField())
    state = serializers.ChoiceField(["queued", "running", "done", "cancelled", "failed"])
    asked_by = CharField()
    created_at = DateTimeField()
    ended_at = DateTimeField(allow_null=True)
    progress = JobProgress(allow_null=True)
    results = JobResult(many=True)
    note = CharField()
