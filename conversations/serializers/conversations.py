"""Input about conversations."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import (
    BusinessIdField,
    CursorField,
    FlagField,
    IdField,
    IdListField,
    NameField,
    TextField,
    TimeField,
    WholeField,
)
from conversations.inputs import BodySerializer, LimitSerializer, example
from conversations.models import BusinessCase, Conversation, Participant
from conversations.models.conversations import MAX_SLOW_MODE_S
from conversations.serializers.users import PictureField

MAX_CONTENT = 16_000
MAX_PEOPLE = 1_000
MAX_ADDED = 100  # each is a durable change of its own under the conversation's lock
GIVEN_ROLES = [Participant.Role.OWNER, Participant.Role.ADMIN, Participant.Role.MEMBER]

Type = Conversation.Type
TAKES: Mapping[str, frozenset[str]] = {
    Type.DIRECT: frozenset({"participant_ids"}),
    Type.GROUP: frozenset({"participant_ids", "name"}),
    Type.BUSINESS: frozenset({"business_id", "name", "content"}),
}
BOB = "0199d3a1-9f0e-7a11-b2c3-d4e5f6a7b8c9"  # in examples


@extend_schema_serializer(
    examples=[
        example("Two people", {"type": "direct", "participant_ids": [BOB]}),
        example("A group", {"type": "group", "name": "Hikers", "participant_ids": [BOB]}),
        example("A case", {"type": "business", "business_id": "acme", "content": "Where is my parcel?"}),
    ]
)
class NewConversationSerializer(BodySerializer):
    """Direct: one `participant_ids`. Group: any, and a name. Business: `business_id`, a name, first words."""

    type = serializers.ChoiceField(Type.choices)
    participant_ids = IdListField(max_length=MAX_PEOPLE, required=False)
    name = NameField(max_length=120, required=False, allow_blank=True)
    business_id = BusinessIdField(required=False)
    content = TextField(max_length=MAX_CONTENT, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs["type"]
        given = {name for name, value in attrs.items() if name != "type" and value}
        if surplus := sorted(given - TAKES[kind]):
            raise serializers.ValidationError(
                {name: ["This type of conversation does not take it."] for name in surplus},
                code="not_applicable",
            )
        if kind == Type.DIRECT and len(attrs.get("participant_ids", ())) != 1:
            raise serializers.ValidationError({"participant_ids": ["Name exactly one person."]})
        if kind == Type.BUSINESS and not attrs.get("business_id"):
            raise serializers.ValidationError({"business_id": ["This field is required."]}, code="required")
        return attrs


@extend_schema_serializer(
    examples=[
        example("Another name", {"name": "Climbers"}),
        example("Slow mode", {"slow_mode_s": 30}),
    ]
)
class ChangedConversationSerializer(BodySerializer):
    """What an admin may change about a group."""

    name = NameField(max_length=120, required=False, allow_blank=True)
    avatar_url = PictureField()
    slow_mode_s = WholeField(
        required=False,
        max_value=MAX_SLOW_MODE_S,
        help_text="Seconds between two messages of a member; admins and the owner are free. 0: none.",
    )


@extend_schema_serializer(
    examples=[
        example("A member", {"user_ids": [BOB]}),
        example("An admin", {"user_ids": [BOB], "role": "admin"}),
    ]
)
class NewParticipantsSerializer(BodySerializer):
    """People for a group."""

    user_ids = IdListField(min_length=1, max_length=MAX_ADDED)
    role = serializers.ChoiceField(GIVEN_ROLES, default=Participant.Role.MEMBER)


@extend_schema_serializer(
    examples=[
        example("Hand over", {"role": "owner"}),
    ]
)
class RoleSerializer(BodySerializer):
    """A member's role."""

    role = serializers.ChoiceField(GIVEN_ROLES)


@extend_schema_serializer(
    examples=[
        example("Mute", {"muted_until": "2026-12-01T08:00:00Z"}),
        example("Put away", {"archived": True}),
    ]
)
class MembershipSerializer(BodySerializer):
    """One's own settings in a conversation."""

    muted_until = TimeField(required=False, allow_null=True)
    pinned = FlagField(required=False)
    archived = FlagField(required=False)
    notify = serializers.ChoiceField(Participant.Notify.choices, required=False)


@extend_schema_serializer(
    examples=[
        example("Read up to", {"seq": 42}),
        example("Unread from", {"unread_from": 40}),
    ]
)
class ReadSerializer(BodySerializer):
    """Exactly one of the two: forward to `seq`, or wherever, to just before `unread_from`."""

    seq = WholeField(required=False)
    unread_from = WholeField(required=False, min_value=1)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Give exactly one of seq and unread_from.")
        return attrs


@extend_schema_serializer(
    examples=[
        example("To an agent", {"user_id": BOB}),
        example("Nobody's", {"user_id": None}),
    ]
)
class AssignSerializer(BodySerializer):
    """Whose case it shall be; null for nobody's."""

    user_id = IdField(allow_null=True)


@extend_schema_serializer(
    examples=[
        example("Done", {"status": "resolved"}),
    ]
)
class StatusSerializer(BodySerializer):
    """Where a case stands."""

    status = serializers.ChoiceField(BusinessCase.Status.choices)


@extend_schema_serializer(
    examples=[
        example("Until Monday", {"until": "2026-12-07T08:00:00Z"}),
        example("Awake", {"until": None}),
    ]
)
class SnoozeSerializer(BodySerializer):
    """Until when nothing is to be done about a case; null: it is awake."""

    until = TimeField(allow_null=True)


@extend_schema_serializer(
    examples=[
        example("An agent", {"role": "agent"}),
    ]
)
class AgentSerializer(BodySerializer):
    """An agent's place in the business."""

    role = serializers.ChoiceField(["agent", "owner"], default="agent")


class PeoplePageSerializer(LimitSerializer):
    """A page of participants or agents."""

    cursor = CursorField(cursors.whole)
