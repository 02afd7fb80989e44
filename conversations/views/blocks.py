"""Whom the caller does not want to hear from."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.cursors import encode
from conversations.exceptions import Unauthenticated
from conversations.inputs import read_query
from conversations.pagination import cut, page
from conversations.queries.blocks import FIRST, blocks
from conversations.serializers import shapes
from conversations.serializers.users import BlocksSerializer
from conversations.services.blocks import block, unblock
from conversations.views.base import ChatViewSet, caller_id, json_reply


@extend_schema(tags=["Users"], request=None)
class BlockViewSet(ChatViewSet):
    """Nobody else learns of it, but by the refusal (403, `blocked`)."""

    hot_actions = frozenset({"list"})
    problems = {"block": [400, 409]}

    @extend_schema(
        operation_id="list_blocks", parameters=[BlocksSerializer], responses={200: shapes.UserPageShape}
    )
    def list(self, request: Request) -> HttpResponse:
        """Whom the caller has blocked, by their ids."""
        query = read_query(BlocksSerializer, request)
        found = blocks(viewer=caller_id(request), limit=query["limit"] + 1, past=query["cursor"] or FIRST)
        if found is None:
            raise Unauthenticated("This account is not active.", code="account_inactive")
        results, last = cut(found, query["limit"])
        return json_reply(page([one.body for one in results], next_cursor=last and encode(last.id)))

    @extend_schema(operation_id="block", responses={204: None})
    def block(self, request: Request, user_id: UUID) -> Response:
        """Block somebody: they can neither open the direct conversation of the two nor write there (403, `blocked`).

        409 (`too_many_blocks`) past 1,000.
        """
        block(user_id=caller_id(request), blocked_id=user_id)
        return Response(status=204)

    @extend_schema(operation_id="unblock", responses={204: None})
    def destroy(self, request: Request, user_id: UUID) -> Response:
        """Hear from somebody again."""
        unblock(user_id=caller_id(request), blocked_id=user_id)
        return Response(status=204)
