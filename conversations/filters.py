"""What a listing of conversations may be narrowed by."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversations import cursors
from conversations.fields import BusinessIdField, CursorField, IdField, TimeField
from conversations.inputs import LimitSerializer, QuerySerializer
from conversations.models import BusinessCase, Conversation
from conversations.queries.inbox import InboxFilter

_id = IdField()
USUAL = timedelta(days=30)
LONGEST = timedelta(days=366)


@extend_schema_field({"type": "string", "maxLength": 36})
class AssigneeField(serializers.Field[Any, Any, Any, Any]):
    """A user's id, `me` or `none`."""

    def to_internal_value(self, data: Any) -> Any:
        return data if data in {"me", "none"} else _id.run_validation(data)


class CasesQuerySerializer(LimitSerializer):
    """A business's cases."""

    status = serializers.ChoiceField(BusinessCase.Status.choices, required=False)
    assignee = AssigneeField(required=False, help_text="A user's id, `me` or `none`.")
    snoozed = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Those that sleep, or those that are awake."
    )
    label = serializers.CharField(required=False, max_length=40, help_text="One of the case's labels.")  # type: ignore[assignment]
    search = serializers.CharField(required=False, max_length=100, help_text="In its name or its customer's.")
    cursor = CursorField(cursors.place)


@extend_schema_field({"type": "string", "maxLength": 40, "examples": ["2026-06-01T00:00:00Z"]})
class MomentField(TimeField):
    """A time in an address, where one without a value counts as left out."""


class CaseloadQuerySerializer(QuerySerializer):
    """The time that is counted."""

    since = MomentField(required=False, help_text="30 days before `until`, if it is not given.")
    until = MomentField(required=False, help_text="Not this moment any more; now, if it is not given.")


def counted_time(query: dict[str, Any]) -> dict[str, datetime]:
    """`since` and `until`. Not read with the query, which is kept by its text: this depends on the moment.

    Raises ValidationError for a time that is empty or longer than `LONGEST`.
    """
    until = query.get("until") or timezone.now()
    since = query.get("since") or until - USUAL
    if not timedelta() < until - since <= LONGEST:
        raise serializers.ValidationError(
            {"since": f"It must be before until, and by {LONGEST.days} days at most."}
        )
    return {"since": since, "until": until}


class InboxQuerySerializer(LimitSerializer):
    """The caller's conversations."""

    type = serializers.ChoiceField(Conversation.Type.choices, required=False)
    business_id = BusinessIdField(required=False, help_text="Cases of this business.")
    status = serializers.ChoiceField(BusinessCase.Status.choices, required=False)
    assignee = AssigneeField(required=False, help_text="A user's id, `me` or `none`.")
    unread = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="With, or without, unread messages."
    )
    archived = serializers.BooleanField(
        default=False, help_text="What is put away until something is said there, instead of the rest."
    )
    search = serializers.CharField(
        required=False, max_length=100, help_text="In the name or the other's name."
    )
    cursor = CursorField(cursors.place)


def inbox_filter(query: dict[str, Any], *, viewer: UUID, **fixed: Any) -> InboxFilter:
    """The filter out of a query's values; `me` is the viewer."""
    if query.get("assignee") == "me":
        query["assignee"] = viewer
    names = InboxFilter.__dataclass_fields__.keys()
    return InboxFilter(**{name: value for name, value in query.items() if name in names}, **fixed)
