"""A business's agents and cases."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access, pagination
from conversations.cursors import encode
from conversations.filters import CaseloadQuerySerializer, CasesQuerySerializer, counted_time, inbox_filter
from conversations.inputs import read_body, read_query
from conversations.models import BusinessAgent
from conversations.queries import inbox, people
from conversations.queries.caseload import Caseload, caseload
from conversations.serializers import conversations as inputs
from conversations.serializers import shapes
from conversations.services import business
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, account, caller_id, json_reply, viewed


@extend_schema(tags=["Business"])
class BusinessViewSet(ChatViewSet):
    """What agents do. Agents are named by staff, or by an agent with the role `owner`."""

    session_actions = frozenset({"agents", "put_agent", "remove_agent"})
    limits = {"stats": [Limit("stats", 120, 60, by_user)]}
    problems = {"assign": [403], "set_status": [403], "snooze": [403, 409]}

    @extend_schema(
        operation_id="list_agents",
        parameters=[inputs.PeoplePageSerializer],
        responses={200: shapes.AgentPageShape},
    )
    def agents(self, request: Request, business_id: str) -> Response:
        """Who answers for a business. Its agents, and staff."""
        query = read_query(inputs.PeoplePageSerializer, request)
        if not account(request).is_staff:
            access.get_agency(user_id=caller_id(request), business_id=business_id)
        found = people.agents(business_id=business_id, after=query["cursor"] or 0, limit=query["limit"] + 1)
        agents, last = pagination.cut(found, query["limit"])
        results = shapes.AgentShape(agents, many=True).data
        return Response({"results": results, "next": encode(last.pk) if last else None})

    @extend_schema(
        operation_id="put_agent", request=inputs.AgentSerializer, responses={200: shapes.AgentShape}
    )
    def put_agent(self, request: Request, business_id: str, user_id: UUID) -> Response:
        """Name an agent, or give one another role."""
        given = read_body(inputs.AgentSerializer, request)
        agent: BusinessAgent = business.put_agent(
            actor=account(request), business_id=business_id, user_id=user_id, **given
        )
        return Response(shapes.AgentShape(agent).data)

    @extend_schema(operation_id="remove_agent", responses={204: None})
    def remove_agent(self, request: Request, business_id: str, user_id: UUID) -> Response:
        """Dismiss an agent; the business's cases are closed to them at once."""
        business.remove_agent(actor=account(request), business_id=business_id, user_id=user_id)
        return Response(status=204)

    @extend_schema(
        operation_id="list_business_conversations",
        parameters=[CasesQuerySerializer],
        responses={200: shapes.ConversationPageShape},
    )
    def conversations(self, request: Request, business_id: str) -> HttpResponse:
        """The cases of a business, liveliest first. Its agents."""
        query = read_query(CasesQuerySerializer, request)
        viewer, limit = caller_id(request), query["limit"]
        access.get_agency(user_id=viewer, business_id=business_id)
        wanted = inbox_filter(query, viewer=viewer, archived=None)
        found = inbox.business_inbox(
            viewer=viewer, business_id=business_id, wanted=wanted, limit=limit + 1, after=query["cursor"]
        )
        lines, last = pagination.cut(found, limit)
        return json_reply(
            pagination.page([line.body for line in lines], next_cursor=last and encode(*last.place))
        )

    @extend_schema(
        operation_id="get_business_stats",
        parameters=[CaseloadQuerySerializer],
        responses={200: shapes.BusinessStatsShape},
    )
    def stats(self, request: Request, business_id: str) -> Response:
        """What is open, what was resolved and how long it took, by agent. Its agents."""
        query = counted_time(read_query(CaseloadQuerySerializer, request))
        access.get_agency(user_id=caller_id(request), business_id=business_id)
        everybody, each = caseload(business_id=business_id, **query)
        told = {**query, **_told(everybody), "by_agent": [{"agent": one.agent, **_told(one)} for one in each]}
        return Response(shapes.BusinessStatsShape(told).data)

    @extend_schema(
        operation_id="assign_case", request=inputs.AssignSerializer, responses={200: shapes.ConversationShape}
    )
    def assign(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Give a case to an agent, or to nobody. Agents; a system message tells it."""
        given = read_body(inputs.AssignSerializer, request)
        business.assign_case(
            actor_id=caller_id(request), conversation_id=conversation_id, assignee_id=given["user_id"]
        )
        return json_reply(viewed(request, conversation_id))

    @extend_schema(
        operation_id="set_case_status",
        request=inputs.StatusSerializer,
        responses={200: shapes.ConversationShape},
    )
    def set_status(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Open, park or resolve a case. Agents; a system message tells it."""
        given = read_body(inputs.StatusSerializer, request)
        business.set_case_status(actor_id=caller_id(request), conversation_id=conversation_id, **given)
        return json_reply(viewed(request, conversation_id))

    @extend_schema(
        operation_id="snooze_case", request=inputs.SnoozeSerializer, responses={200: shapes.ConversationShape}
    )
    def snooze(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Put a case to sleep until a time, or wake it (null). Agents. The customer's next message wakes it, too."""
        given = read_body(inputs.SnoozeSerializer, request)
        business.snooze_case(actor_id=caller_id(request), conversation_id=conversation_id, **given)
        return json_reply(viewed(request, conversation_id))


def _told(one: Caseload) -> dict[str, object]:
    times = {"first_response": one.first_response._asdict(), "resolution": one.resolution._asdict()}
    return {**one._asdict(), **times}
