"""Input about conversations."""

from collections.abc import Mapping
from typing import Any

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
from conversations.inputs import BodySerializer, LimitSerializer
from conversations.models import BusinessCase, Conversation, Participant
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


class ChangedConversationSerializer(BodySerializer):
    """What an admin may change about a group."""

    name = NameField(max_length=120, required=False, allow_blank=True)
    avatar_url = PictureField()


class NewParticipantsSerializer(BodySerializer):
    """People for a group."""

    user_ids = IdListField(min_length=1, max_length=MAX_ADDED)
    role = serializers.ChoiceField(GIVEN_ROLES, default=Participant.Role.MEMBER)


class RoleSerializer(BodySerializer):
    """A member's role."""

    role = serializers.ChoiceField(GIVEN_ROLES)


class MembershipSerializer(BodySerializer):
    """One's own settings in a conversation."""

    muted_until = TimeField(required=False, allow_null=True)
    pinned = FlagField(required=False)
    archived = FlagField(required=False)
    notify = serializers.ChoiceField(Participant.Notify.choices, required=False)


class ReadSerializer(BodySerializer):
    """Exactly one of the two: forward to `seq`, or wherever, to just before `unread_from`."""

    seq = WholeField(required=False)
    unread_from = WholeField(required=False, min_value=1)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Give exactly one of seq and unread_from.")
        return attrs


class AssignSerializer(BodySerializer):
    """Whose case it shall be; null for nobody's."""

    user_id = IdField(allow_null=True)


class StatusSerializer(BodySerializer):
    """Where a case stands."""

    status = serializers.ChoiceField(BusinessCase.Status.choices)


class AgentSerializer(BodySerializer):
    """An agent's place in the business."""

    role = serializers.ChoiceField(["agent", "owner"], default="agent")


class PeoplePageSerializer(LimitSerializer):
    """A page of participants or agents."""

    cursor = CursorField(cursors.whole)
