"""Maintenance: what to have done, and how far it is."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.serializers import CharField, DateTimeField, FloatField, IntegerField

from dbperf.maintenance.choosing import Cause, Operation
from dbperf.serializers.shape import Shape
from dbperf.services.maintaining import MOST_TABLES


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
