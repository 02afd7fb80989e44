"""Pinned messages."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access
from conversations.exceptions import NotFound
from conversations.pagination import page
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging.queries.pins import pins
from messaging.serializers import shapes
from messaging.services.pins import pin


@extend_schema(tags=["Messages"], request=None)
class PinViewSet(ChatViewSet):
    """What everybody finds at once. Reading is hot: its own statement checks the account and the seat."""

    hot_actions = frozenset({"list"})
    problems = {"pin": [403, 409], "destroy": [403]}

    @extend_schema(operation_id="list_pins", responses={200: shapes.PinsShape})
    def list(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """The pinned messages, the one pinned last first. There are 50 at most: one page."""
        found = pins(viewer=caller_id(request), conversation_id=conversation_id)
        if found is None:
            access.require_active(caller_id(request))
            raise NotFound("No such conversation.")
        return json_reply(page(found, next_cursor=None))

    @extend_schema(operation_id="pin", responses={204: None})
    def pin(self, request: Request, conversation_id: UUID, seq: int) -> Response:
        """Pin a message. 409: it was deleted (`message_deleted`), or 50 are pinned (`too_many_pins`)."""
        pin(actor_id=caller_id(request), conversation_id=conversation_id, seq=seq, on=True)
        return Response(status=204)

    @extend_schema(operation_id="unpin", responses={204: None})
    def destroy(self, request: Request, conversation_id: UUID, seq: int) -> Response:
        """Take a pin off."""
        pin(actor_id=caller_id(request), conversation_id=conversation_id, seq=seq, on=False)
        return Response(status=204)
