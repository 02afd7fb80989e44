"""What all shapes have in common."""

from typing import Any, Final

from rest_framework import serializers

EVIDENCE: Final = (
    "The numbers, by names that carry their units; where there is a statement, its `text`, which is null without the"
    " permission `dbperf.view_query_text`."
)


class Shape(serializers.Serializer[Any]):
    """An object of a reply."""
