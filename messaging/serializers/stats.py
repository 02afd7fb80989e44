"""Input about the numbers of a conversation."""

from rest_framework import serializers

from conversations.inputs import QuerySerializer

MOST_DAYS = 366


class StatsSerializer(QuerySerializer):
    """How far back to count."""

    days = serializers.IntegerField(
        default=30, min_value=1, max_value=MOST_DAYS, help_text="Days of UTC, today included."
    )
