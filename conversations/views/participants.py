"""Who takes part in a conversation."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access, pagination
from conversations.cursors import encode
from conversations.inputs import read_body, read_query
from conversations.queries import people
from conversations.serializers import conversations as inputs
from conversations.serializers import shapes
from conversations.services import participants
from conversations.views.base import ChatViewSet, caller_id, json_reply


@extend_schema(tags=["Participants"])
class ParticipantViewSet(ChatViewSet):
    """The seats of a conversation."""

    problems = {"create": [403, 409], "partial_update": [403, 409], "destroy": [403, 409]}

    @extend_schema(
        operation_id="list_participants",
        parameters=[inputs.PeoplePageSerializer],
        responses={200: shapes.ParticipantPageShape},
    )
    def list(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Everybody who takes part now, in the order they first joined."""
        query = read_query(inputs.PeoplePageSerializer, request)
        access.get_conversation(user_id=caller_id(request), conversation_id=conversation_id)
        found = people.participants(
            conversation_id=conversation_id, limit=query["limit"] + 1, after=query["cursor"] or 0
        )
        seats, last = pagination.cut(found, query["limit"])
        return json_reply(
            pagination.page([seat.body for seat in seats], next_cursor=last and encode(last.id))
        )

    @extend_schema(
        operation_id="add_participants",
        request=inputs.NewParticipantsSerializer,
        responses={201: shapes.ParticipantsShape},
    )
    def create(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Bring people into a group. Admins and owners; only an owner makes admins and owners."""
        given = read_body(inputs.NewParticipantsSerializer, request)
        added = participants.add_participants(
            actor_id=caller_id(request), conversation_id=conversation_id, **given
        )
        bodies = people.participants_named(conversation_id=conversation_id, user_ids=added)
        return json_reply(f'{{"results":[{",".join(bodies)}]}}', status=201)

    @extend_schema(
        operation_id="set_role", request=inputs.RoleSerializer, responses={200: shapes.ParticipantShape}
    )
    def partial_update(self, request: Request, conversation_id: UUID, user_id: UUID) -> HttpResponse:
        """Give a member of a group another role. 409 (`last_owner`) where no owner would be left."""
        given = read_body(inputs.RoleSerializer, request)
        participants.set_role(
            actor_id=caller_id(request), conversation_id=conversation_id, user_id=user_id, **given
        )
        return json_reply(people.participant(conversation_id=conversation_id, user_id=user_id))

    @extend_schema(operation_id="remove_participant", responses={204: None})
    def destroy(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        """Remove somebody from a group. Admins remove members, owners anybody."""
        participants.remove_participant(
            actor_id=caller_id(request), conversation_id=conversation_id, user_id=user_id
        )
        return Response(status=204)
