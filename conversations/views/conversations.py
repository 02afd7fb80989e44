"""Conversations as their participants see them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access, pagination, replica
from conversations.cursors import encode
from conversations.exceptions import NotFound
from conversations.filters import InboxQuerySerializer, inbox_filter
from conversations.inputs import read_body, read_query
from conversations.models import Conversation
from conversations.queries import inbox, stamps
from conversations.serializers import conversations as inputs
from conversations.serializers import shapes
from conversations.services import conversations, participants
from conversations.views.base import ChatViewSet, caller_id, json_reply, viewed

Type = Conversation.Type


@extend_schema(tags=["Conversations"])
class ConversationViewSet(ChatViewSet):
    """Conversations and the caller's own place in them."""

    hot_actions = frozenset({"list"})
    problems = {"create": [403], "partial_update": [403], "destroy": [403], "leave": [409]}

    @extend_schema(
        operation_id="list_conversations",
        parameters=[InboxQuerySerializer],
        responses={200: shapes.ConversationPageShape},
    )
    def list(self, request: Request) -> HttpResponse:
        """The caller's conversations, pinned first and then the liveliest first."""
        query = read_query(InboxQuerySerializer, request)
        viewer, limit = caller_id(request), query["limit"]
        wanted, after = inbox_filter(query, viewer=viewer), query["cursor"]
        found = replica.read(
            lambda: stamps.person(viewer=viewer),
            lambda: inbox.inbox(viewer=viewer, wanted=wanted, limit=limit + 1, after=after),
        )
        if not found:
            access.require_active(viewer)
        lines, last = pagination.cut(found, limit)
        return json_reply(
            pagination.page([line.body for line in lines], next_cursor=last and encode(*last.place))
        )

    @extend_schema(
        operation_id="create_conversation",
        request=inputs.NewConversationSerializer,
        responses={201: shapes.ConversationShape, 200: shapes.ConversationShape},
    )
    def create(self, request: Request) -> HttpResponse:
        """Open a conversation. The direct one of the same two people is answered with 200 if it is there already."""
        conversation, created = _open(
            caller_id(request), read_body(inputs.NewConversationSerializer, request)
        )
        return json_reply(viewed(request, conversation.pk), status=201 if created else 200)

    @extend_schema(operation_id="get_conversation", responses={200: shapes.ConversationShape})
    def retrieve(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """One conversation."""
        return json_reply(viewed(request, conversation_id))

    @extend_schema(
        operation_id="update_conversation",
        request=inputs.ChangedConversationSerializer,
        responses={200: shapes.ConversationShape},
    )
    def partial_update(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Rename a group or change its picture. Admins and owners."""
        changes = read_body(inputs.ChangedConversationSerializer, request)
        conversations.update_conversation(
            actor_id=caller_id(request), conversation_id=conversation_id, **changes
        )
        return json_reply(viewed(request, conversation_id))

    @extend_schema(operation_id="delete_conversation", responses={204: None})
    def destroy(self, request: Request, conversation_id: UUID) -> Response:
        """End a group for everybody. Its owner."""
        conversations.delete_conversation(actor_id=caller_id(request), conversation_id=conversation_id)
        return Response(status=204)

    @extend_schema(operation_id="leave_conversation", request=None, responses={204: None})
    def leave(self, request: Request, conversation_id: UUID) -> Response:
        """Give up one's seat. 409 for the last owner (`last_owner`) and in direct conversations."""
        participants.leave(user_id=caller_id(request), conversation_id=conversation_id)
        return Response(status=204)

    @extend_schema(
        operation_id="update_membership",
        request=inputs.MembershipSerializer,
        responses={200: shapes.MembershipShape},
    )
    def membership(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Mute, pin, put away, choose what to be told of: for oneself alone."""
        viewer = caller_id(request)
        choices = read_body(inputs.MembershipSerializer, request)
        participants.update_membership(user_id=viewer, conversation_id=conversation_id, **choices)
        found = inbox.membership(viewer=viewer, conversation_id=conversation_id)
        if found is None:
            raise NotFound("No such conversation.")
        return json_reply(found)

    @extend_schema(
        operation_id="mark_read", request=inputs.ReadSerializer, responses={200: shapes.ReadPositionShape}
    )
    def read(self, request: Request, conversation_id: UUID) -> Response:
        """Move one's read position forward to `seq`, or back to just before `unread_from`."""
        given = read_body(inputs.ReadSerializer, request)
        mark = participants.mark_read if "seq" in given else participants.mark_unread_from
        (seq,) = given.values()
        position = mark(user_id=caller_id(request), conversation_id=conversation_id, seq=seq)
        return Response(position._asdict())


def _open(creator: UUID, facts: dict[str, Any]) -> tuple[Conversation, bool]:
    """The conversation asked for, and whether it is new."""
    kind, people = facts["type"], facts.get("participant_ids", [])
    if kind == Type.DIRECT:
        return conversations.open_direct(creator_id=creator, peer_id=people[0])
    if kind == Type.GROUP:
        return conversations.create_group(
            creator_id=creator, participant_ids=people, name=facts.get("name", "")
        ), True
    words = {name: facts.get(name, "") for name in ("name", "content")}
    return conversations.open_case(customer_id=creator, business_id=facts["business_id"], **words), True
