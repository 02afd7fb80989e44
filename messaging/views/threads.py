"""What came of a message: its answers, who has read it, what it said before."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations import access
from conversations.cursors import encode
from conversations.exceptions import NotFound
from conversations.inputs import read_query
from conversations.pagination import cut, page
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging import policies
from messaging.queries.receipts import NOBODY, receipts
from messaging.queries.replies import replies
from messaging.queries.revisions import revisions
from messaging.serializers import messages as inputs
from messaging.serializers import shapes


@extend_schema(tags=["Messages"])
class ThreadViewSet(ChatViewSet):
    """Hot: their own statements check the account and the seat."""

    hot_actions = frozenset({"replies", "receipts", "history"})
    problems = {"history": [403]}

    @extend_schema(
        operation_id="list_replies",
        parameters=[inputs.RepliesSerializer],
        responses={200: shapes.RepliesShape},
    )
    def replies(self, request: Request, conversation_id: UUID, seq: int) -> HttpResponse:
        """The answers to a message that still stand, ascending by seq."""
        query, viewer = read_query(inputs.RepliesSerializer, request), caller_id(request)
        found = replies(
            viewer=viewer,
            conversation_id=conversation_id,
            seq=seq,
            limit=query["limit"] + 1,
            after=query["cursor"] or 0,
        )
        if found is None:
            raise no_such_message(viewer)
        results, last = cut(found, query["limit"])
        return json_reply(page([reply.body for reply in results], next_cursor=last and encode(last.seq)))

    @extend_schema(
        operation_id="list_receipts",
        parameters=[inputs.ReceiptsSerializer],
        responses={200: shapes.ReceiptsShape},
    )
    def receipts(self, request: Request, conversation_id: UUID, seq: int) -> HttpResponse:
        """Who takes part and has read a message, by their ids: without its sender, and without who joined later."""
        query, viewer = read_query(inputs.ReceiptsSerializer, request), caller_id(request)
        found = receipts(
            viewer=viewer,
            conversation_id=conversation_id,
            seq=seq,
            limit=query["limit"] + 1,
            past=query["cursor"] or NOBODY,
        )
        if found is None:
            raise no_such_message(viewer)
        results, last = cut(found, query["limit"])
        return json_reply(page([one.body for one in results], next_cursor=last and encode(last.user)))

    @extend_schema(
        operation_id="list_revisions",
        parameters=[inputs.RepliesSerializer],
        responses={200: shapes.RevisionsShape},
    )
    def history(self, request: Request, conversation_id: UUID, seq: int) -> HttpResponse:
        """What a message said before each edit, the earliest first: for admins and owners, agents, and staff.

        Of a deleted message nothing is left.
        """
        query, viewer = read_query(inputs.RepliesSerializer, request), caller_id(request)
        found = revisions(
            viewer=viewer,
            conversation_id=conversation_id,
            seq=seq,
            limit=query["limit"] + 1,
            after=query["cursor"] or 0,
        )
        if found is None:
            raise no_such_message(viewer)
        policies.require_history(moderates=found.moderates)
        results, last = cut(found.page, query["limit"])
        return json_reply(page([one.body for one in results], next_cursor=last and encode(last.version)))


def no_such_message(viewer: UUID) -> NotFound:
    """The refusal; raises Unauthenticated itself where the account is closed."""
    access.require_active(viewer)
    return NotFound("No such message.")
