"""Numbers of a conversation."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations import access
from conversations.exceptions import NotFound
from conversations.inputs import read_query
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging.serializers import shapes
from messaging.serializers.stats import StatsSerializer
from messaging.services.stats import conversation_stats


@extend_schema(tags=["Messages"])
class StatsViewSet(ChatViewSet):
    """Hot: its own statement checks the account and the seat."""

    hot_actions = frozenset({"retrieve"})
    limits = {"retrieve": [Limit("stats", 120, 60, by_user)]}

    @extend_schema(
        operation_id="get_conversation_stats",
        parameters=[StatsSerializer],
        responses={200: shapes.StatsShape},
    )
    def retrieve(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Messages of the last days by day, type and sender, without deleted ones and notices."""
        viewer, query = caller_id(request), read_query(StatsSerializer, request)
        found = conversation_stats(viewer=viewer, conversation_id=conversation_id, **query)
        if found is None:
            access.require_active(viewer)
            raise NotFound("No such conversation.")
        return json_reply(found)
