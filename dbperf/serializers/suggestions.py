"""What could be better about indexes."""

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.serializers import CharField, DateTimeField

from dbperf.serializers.shape import EVIDENCE, Shape
from dbperf.services.telling import KINDS


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
