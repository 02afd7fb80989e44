"""Shapes of replies. PostgreSQL writes most of them as JSON (`queries/fragments.py`) and no serializer runs for
those: their classes here only describe them in the OpenAPI document. A test holds every class against real replies.
"""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from conversations.models import BusinessAgent, BusinessCase, Conversation, Participant, User

ANN = {
    "id": "0199d3a1-7b4e-7c21-9c0e-5d1f2a3b4c5d",
    "kaha_id": "kaha-4711",
    "username": "ann",
    "display_name": "Ann",
    "avatar_url": None,
}


class Shape(serializers.Serializer[Any]):
    """An object of a reply."""


class PersonShape(Shape):
    """A person as everybody sees them."""

    id = serializers.UUIDField()
    kaha_id = serializers.CharField(allow_null=True, help_text="The person's id on the Kaha platform.")
    username = serializers.CharField()
    display_name = serializers.CharField(
        help_text="What others call this person; the username where none is set."
    )
    avatar_url = serializers.URLField(allow_null=True)


@extend_schema_serializer(component_name="User", examples=[OpenApiExample("A person", ANN)])
class UserShape(PersonShape):
    """Writes the account itself, for the replies that Python makes."""

    display_name = serializers.CharField(source="name")

    def to_representation(self, instance: User) -> dict[str, Any]:
        return super().to_representation(instance) | {"avatar_url": instance.avatar_url or None}


@extend_schema_serializer(component_name="Presence")
class PresenceShape(Shape):
    """Whether somebody is here."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(
        ["online", "away", "offline"],
        help_text="Away: connected, and without doing anything for five minutes.",
    )
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="Now, for who is online; null for who never was."
    )


@extend_schema_serializer(component_name="Problem")
class ProblemShape(Shape):
    """RFC 9457. `errors` comes with input that failed validation."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="For programs; it does not change with the wording.")
    request_id = serializers.CharField(help_text="What to quote when asking about this reply.")
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()), required=False)  # type: ignore[assignment]


@extend_schema_serializer(component_name="Tokens")
class TokensShape(Shape):
    access = serializers.CharField(help_text="For the Authorization header; 15 minutes.")
    refresh = serializers.CharField(help_text="For the next pair, once; 14 days.")


@extend_schema_serializer(component_name="SignIn")
class SignInShape(TokensShape):
    user = UserShape()


@extend_schema_serializer(component_name="Ticket")
class TicketShape(Shape):
    ticket = serializers.CharField(help_text="Opens one socket: `/ws/chat?ticket=…`, within 30 s.")
    expires_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="UserPage")
class UserPageShape(Shape):
    results = UserShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")


@extend_schema_serializer(component_name="LastMessage")
class LastMessageShape(Shape):
    seq = serializers.IntegerField()
    type = serializers.CharField()
    sender = UserShape(allow_null=True)
    content = serializers.CharField()
    sent_at = serializers.DateTimeField()
    deleted = serializers.BooleanField()


@extend_schema_serializer(component_name="Membership")
class MembershipShape(Shape):
    """The caller's own seat. `joined_at` is null for an agent who has not joined the case."""

    role = serializers.ChoiceField(Participant.Role.choices)
    joined_at = serializers.DateTimeField(allow_null=True)
    last_read_seq = serializers.IntegerField()
    muted_until = serializers.DateTimeField(allow_null=True)
    pinned = serializers.BooleanField()
    archived = serializers.BooleanField()
    notify = serializers.ChoiceField(Participant.Notify.choices)


@extend_schema_serializer(component_name="BusinessCase")
class CaseShape(Shape):
    status = serializers.ChoiceField(BusinessCase.Status.choices)
    assignee = UserShape(allow_null=True)
    priority = serializers.ChoiceField(BusinessCase.Priority.choices)
    labels = serializers.ListField(child=serializers.CharField())
    first_response_at = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(
        allow_null=True, help_text="When it comes up again; earlier, if the customer says something."
    )


@extend_schema_serializer(component_name="ConversationFacts")
class FactsShape(Shape):
    """What is the same for everybody: the data of conversation events."""

    id = serializers.UUIDField()
    type = serializers.ChoiceField(Conversation.Type.choices)
    name = serializers.CharField()
    avatar_url = serializers.URLField(allow_null=True)
    business_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField()
    version = serializers.IntegerField(help_text="Moves with every durable change.")
    last_seq = serializers.IntegerField(help_text="The place of the newest message.")
    pins = serializers.ListField(
        child=serializers.IntegerField(), help_text="Pinned messages, in the order they were pinned."
    )
    slow_mode_s = serializers.IntegerField(
        help_text="How many seconds lie between two messages of a member; 0: as many as there may be anywhere."
    )
    participant_count = serializers.IntegerField()
    business = CaseShape(allow_null=True)


@extend_schema_serializer(component_name="Conversation")
class ConversationShape(FactsShape):
    """A conversation as the caller sees it."""

    last_message = LastMessageShape(allow_null=True)
    unread_count = serializers.IntegerField()
    mention_count = serializers.IntegerField()
    membership = MembershipShape()
    peer = UserShape(allow_null=True, help_text="The other of a direct conversation.")


@extend_schema_serializer(component_name="ConversationPage")
class ConversationPageShape(Shape):
    results = ConversationShape(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="Participant")
class ParticipantShape(Shape):
    user = UserShape()
    role = serializers.ChoiceField(Participant.Role.choices)
    joined_at = serializers.DateTimeField()
    last_read_seq = serializers.IntegerField()
    version = serializers.IntegerField()


@extend_schema_serializer(component_name="Participants")
class ParticipantsShape(Shape):
    results = ParticipantShape(many=True)


@extend_schema_serializer(component_name="ParticipantPage")
class ParticipantPageShape(ParticipantsShape):
    next = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="CannedReply")
class CannedReplyShape(Shape):
    """Words that agents say often."""

    id = serializers.UUIDField()
    shortcut = serializers.CharField()
    content = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="CannedReplyPage")
class CannedReplyPageShape(Shape):
    results = CannedReplyShape(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="ReadPosition")
class ReadPositionShape(Shape):
    last_read_seq = serializers.IntegerField()
    unread_count = serializers.IntegerField()


@extend_schema_serializer(component_name="UnreadConversation")
class UnreadConversationShape(Shape):
    id = serializers.UUIDField()
    unread_count = serializers.IntegerField()
    mention_count = serializers.IntegerField()


@extend_schema_serializer(component_name="Unread")
class UnreadShape(Shape):
    total = serializers.IntegerField()
    conversations = UnreadConversationShape(many=True)


@extend_schema_serializer(component_name="Agent")
class AgentShape(Shape):
    user = UserShape()
    role = serializers.ChoiceField(BusinessAgent.Role.choices)


@extend_schema_serializer(component_name="AgentPage")
class AgentPageShape(Shape):
    results = AgentShape(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="CaseTimes")
class CaseTimesShape(Shape):
    """Seconds from the opening of a case; null where there was none in that time."""

    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)


class CaseloadShape(Shape):
    open = serializers.IntegerField(help_text="Now.")
    pending = serializers.IntegerField(help_text="Now.")
    opened = serializers.IntegerField(help_text="From `since` to `until`.")
    resolved = serializers.IntegerField(help_text="From `since` to `until`, and not opened again.")
    first_response = CaseTimesShape(help_text="Of cases first answered from `since` to `until`.")
    resolution = CaseTimesShape(help_text="Of those counted in `resolved`.")


@extend_schema_serializer(component_name="AgentCaseload")
class AgentCaseloadShape(CaseloadShape):
    agent = serializers.UUIDField(allow_null=True, help_text="Whose the cases are now; null: nobody's.")


@extend_schema_serializer(component_name="BusinessStats")
class BusinessStatsShape(CaseloadShape):
    """What a business's agents had to do."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by_agent = AgentCaseloadShape(many=True, help_text="Who has most to do first.")
