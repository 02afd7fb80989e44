"""People, and what waits for the caller."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access, replica
from conversations.cursors import encode
from conversations.exceptions import NotFound
from conversations.inputs import read_body, read_query
from conversations.models import User
from conversations.pagination import cut
from conversations.queries import inbox, stamps
from conversations.serializers import shapes
from conversations.serializers.users import PresenceSerializer, ProfileSerializer, UserSearchSerializer
from conversations.services import users
from conversations.services.presence import presence_of
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, account, caller_id, json_reply


@extend_schema(tags=["Users"])
class UserViewSet(ChatViewSet):
    """People."""

    hot_actions = frozenset({"unread"})
    limits = {"list": [Limit("user-search", 300, 60, by_user)]}

    @extend_schema(operation_id="me", responses={200: shapes.UserShape})
    def me(self, request: Request) -> Response:
        """The caller's own account."""
        return Response(shapes.UserShape(account(request)).data)

    @extend_schema(operation_id="update_me", request=ProfileSerializer, responses={200: shapes.UserShape})
    def update_me(self, request: Request) -> Response:
        """Change one's display name or picture."""
        changed = users.update_profile(user=account(request), **read_body(ProfileSerializer, request))
        return Response(shapes.UserShape(changed).data)

    @extend_schema(
        operation_id="list_users", parameters=[UserSearchSerializer], responses={200: shapes.UserPageShape}
    )
    def list(self, request: Request) -> Response:
        """Find people by username or display name, in the order of usernames."""
        query = read_query(UserSearchSerializer, request)
        found = User.objects.active().page(
            query.get("search", ""), after=query["cursor"], limit=query["limit"] + 1
        )
        people, last = cut(list(found), query["limit"])
        results = shapes.UserShape(people, many=True).data
        return Response({"results": results, "next": encode(last.username) if last else None})

    @extend_schema(
        operation_id="presence",
        parameters=[PresenceSerializer],
        responses={200: shapes.PresenceShape(many=True)},
    )
    def presence(self, request: Request) -> Response:
        """Who of these people is here; strangers are left out as the unknown are."""
        query = read_query(PresenceSerializer, request)
        found = presence_of(viewer=caller_id(request), people=query["ids"])
        lines = [{"id": one.user, "status": one.status, "last_seen_at": one.seen_at} for one in found]
        return Response(shapes.PresenceShape(lines, many=True).data)

    @extend_schema(operation_id="get_user", responses={200: shapes.UserShape})
    def retrieve(self, request: Request, user_id: UUID) -> Response:
        """One person."""
        return Response(shapes.UserShape(access.get_user(user_id)).data)

    @extend_schema(operation_id="get_user_by_kaha_id", responses={200: shapes.UserShape})
    def by_kaha_id(self, request: Request, kaha_id: str) -> Response:
        """One person, by their id on the Kaha platform."""
        return Response(shapes.UserShape(access.get_user_by_kaha_id(kaha_id)).data)

    @extend_schema(operation_id="unread", responses={200: shapes.UnreadShape})
    def unread(self, request: Request) -> HttpResponse:
        """What waits for the caller: in all, and in each conversation that has any."""
        viewer = caller_id(request)
        found = replica.read(lambda: stamps.person(viewer=viewer), lambda: inbox.unread_totals(viewer=viewer))
        if found is None:
            access.require_active(viewer)
            raise NotFound("No such account.")
        return json_reply(found)
