"""Messages that should not stand."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.inputs import read_body
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, caller_id
from messaging.serializers import shapes
from messaging.serializers.messages import ReportSerializer
from messaging.services.reports import report


@extend_schema(tags=["Messages"])
class ReportViewSet(ChatViewSet):
    """For the staff's eyes."""

    limits = {"create": [Limit("reports", 30, 60, by_user)]}
    problems = {"create": [409]}

    @extend_schema(
        operation_id="report_message",
        request=ReportSerializer,
        responses={201: shapes.ReportShape, 200: shapes.ReportShape},
    )
    def create(self, request: Request, conversation_id: UUID, seq: int) -> Response:
        """Put a message into the queue of the staff. Again: 200 and the first report.

        409: it is one's own (`own_message`), or was deleted (`message_deleted`).
        """
        given = read_body(ReportSerializer, request)
        found, new = report(reporter_id=caller_id(request), conversation_id=conversation_id, seq=seq, **given)
        return Response(shapes.ReportShape(found).data, status=201 if new else 200)
