"""What a business's agents say often."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access, pagination
from conversations.cursors import encode
from conversations.inputs import read_body, read_query
from conversations.queries.people import canned_replies
from conversations.serializers import canned as inputs
from conversations.serializers import shapes
from conversations.services import canned
from conversations.views.base import ChatViewSet, caller_id


@extend_schema(tags=["Business"])
class CannedReplyViewSet(ChatViewSet):
    """For the agents of a business: each may read, add, change and delete."""

    problems = {"create": [409], "partial_update": [409]}

    @extend_schema(
        operation_id="list_canned_replies",
        parameters=[inputs.CannedRepliesSerializer],
        responses={200: shapes.CannedReplyPageShape},
    )
    def list(self, request: Request, business_id: str) -> Response:
        """The replies of a business, by their shortcuts."""
        query = read_query(inputs.CannedRepliesSerializer, request)
        access.get_agency(user_id=caller_id(request), business_id=business_id)
        limit, search, after = query["limit"], query.get("search", ""), query["cursor"] or ""
        found = canned_replies(business_id=business_id, search=search, limit=limit + 1, after=after)
        replies, last = pagination.cut(found, limit)
        results = shapes.CannedReplyShape(replies, many=True).data
        return Response({"results": results, "next": encode(last.shortcut) if last else None})

    @extend_schema(
        operation_id="add_canned_reply",
        request=inputs.NewCannedReplySerializer,
        responses={201: shapes.CannedReplyShape},
    )
    def create(self, request: Request, business_id: str) -> Response:
        """Keep a reply. 409: the shortcut is taken (`shortcut_taken`), or there are 1,000 (`too_many_replies`)."""
        given = read_body(inputs.NewCannedReplySerializer, request)
        reply = canned.add_reply(agent_id=caller_id(request), business_id=business_id, **given)
        return Response(shapes.CannedReplyShape(reply).data, status=201)

    @extend_schema(
        operation_id="change_canned_reply",
        request=inputs.ChangedCannedReplySerializer,
        responses={200: shapes.CannedReplyShape},
    )
    def partial_update(self, request: Request, business_id: str, reply_id: UUID) -> Response:
        """Give a reply other words, or another shortcut (409 where that is taken)."""
        given = read_body(inputs.ChangedCannedReplySerializer, request)
        reply = canned.change_reply(
            agent_id=caller_id(request), business_id=business_id, reply_id=reply_id, **given
        )
        return Response(shapes.CannedReplyShape(reply).data)

    @extend_schema(operation_id="delete_canned_reply", responses={204: None})
    def destroy(self, request: Request, business_id: str, reply_id: UUID) -> Response:
        """Forget a reply."""
        canned.delete_reply(agent_id=caller_id(request), business_id=business_id, reply_id=reply_id)
        return Response(status=204)
