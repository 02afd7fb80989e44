"""What to explain, and its plan."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.serializers import CharField, FloatField, IntegerField

from dbperf.serializers.shape import Shape

QUERYID = re.compile(r"-?[0-9]{1,19}", re.ASCII)


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
