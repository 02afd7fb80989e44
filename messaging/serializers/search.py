"""Input of a search."""

from typing import Any

from rest_framework import serializers

from conversations import cursors
from conversations.fields import CursorField, IdField, TimeField
from conversations.inputs import LimitSerializer
from messaging import terms
from messaging.models import Message
from messaging.services.search import Place

MAX_QUERY = 200  # characters


def place(values: list[Any]) -> Place:
    """A cursor of a search."""
    partly, upto, score, *last = values
    if type(partly) is not bool or not (score is None or type(score) is float):
        raise ValueError(values)
    return Place(partly, None if upto is None else cursors.moment(upto), score, *cursors.message(last))


class SearchSerializer(LimitSerializer):
    """What is looked for, and where."""

    q = serializers.CharField(
        max_length=MAX_QUERY,
        help_text='Words, "phrases", -without, `or`; at most 16 terms. Accents and endings do not matter.',
    )
    conversation = IdField(required=False, help_text="In this one only.")
    sender = IdField(required=False, help_text="Said by this user.")
    type = serializers.ChoiceField(
        Message.Type.choices, required=False, help_text="Notices are found by `system` only."
    )
    since = TimeField(required=False, help_text="Sent then or later.")
    until = TimeField(required=False, help_text="Sent then or earlier.")
    sort = serializers.ChoiceField(["newest", "relevance"], default="newest")
    cursor = CursorField(place)

    def validate_q(self, value: str) -> terms.Terms:
        if "\0" in value:
            raise serializers.ValidationError("NUL cannot be looked for.", code="nul_character")
        read = terms.read(value)
        if read.number > terms.MAX_TERMS:
            raise serializers.ValidationError(f"At most {terms.MAX_TERMS} terms.", code="too_many_terms")
        return read

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        after = attrs["cursor"]
        if after is not None and (after.score is None) == (attrs["sort"] == "relevance"):
            raise cursors.bad_cursor()
        return attrs
