"""Signing up, in and out."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.exceptions import Forbidden
from conversations.inputs import read_body
from conversations.serializers import auth as inputs
from conversations.serializers import shapes
from conversations.services import sessions, users
from conversations.throttling import Limit, by_address, by_user, by_username
from conversations.views.base import ChatViewSet, account, session_of

NOTHING = {"type": "object", "maxProperties": 0}


@extend_schema(tags=["Auth"])
class AuthViewSet(ChatViewSet):
    """Accounts and tokens. Whoever calls these has no token yet, or one that has run out, so none is looked at."""

    open_actions = frozenset({"register", "token", "refresh", "verify", "revoke"})
    limits = {
        "register": [Limit("register", 120, 60, by_address)],
        "token": [Limit("signin", 120, 60, by_address), Limit("signin-account", 20, 60, by_username)],
        "refresh": [Limit("refresh", 600, 60, by_address)],
        "verify": [Limit("refresh", 600, 60, by_address)],
        "revoke": [Limit("refresh", 600, 60, by_address)],
        "ws_ticket": [Limit("ticket", 120, 60, by_user)],
    }
    problems = {
        "register": [403, 409],
        "token": [401],
        "refresh": [401],
        "verify": [401],
        "revoke": [401],
    }

    @extend_schema(
        operation_id="register", request=inputs.RegisterSerializer, responses={201: shapes.UserShape}
    )
    def register(self, request: Request) -> Response:
        """Make an account. 403 (`registration_closed`) where registration is not open; 409 for a taken username."""
        if not settings.REGISTRATION_OPEN:
            raise Forbidden("Accounts are made by an administrator here.", code="registration_closed")
        user = users.register(**read_body(inputs.RegisterSerializer, request))
        return Response(shapes.UserShape(user).data, status=201)

    @extend_schema(
        operation_id="sign_in", request=inputs.SignInSerializer, responses={200: shapes.SignInShape}
    )
    def token(self, request: Request) -> Response:
        """Sign in with username and password."""
        user, tokens = sessions.sign_in(**read_body(inputs.SignInSerializer, request))
        return Response({**tokens._asdict(), "user": shapes.UserShape(user).data})

    @extend_schema(
        operation_id="refresh", request=inputs.RefreshSerializer, responses={200: shapes.TokensShape}
    )
    def refresh(self, request: Request) -> Response:
        """Trade a refresh token for the next pair. It is used up by that."""
        return Response(sessions.rotate(**read_body(inputs.RefreshSerializer, request))._asdict())

    @extend_schema(operation_id="verify", request=inputs.VerifySerializer, responses={200: NOTHING})
    def verify(self, request: Request) -> Response:
        """Whether a token, access or refresh, would be taken at this moment: 200 or 401."""
        sessions.verify(**read_body(inputs.VerifySerializer, request))
        return Response({})

    @extend_schema(operation_id="revoke", request=inputs.RefreshSerializer, responses={204: None})
    def revoke(self, request: Request) -> Response:
        """Sign out: the refresh token is used up, with no successor, and the sockets of its session are closed."""
        sessions.revoke(**read_body(inputs.RefreshSerializer, request))
        return Response(status=204)

    @extend_schema(operation_id="ws_ticket", request=None, responses={200: shapes.TicketShape})
    def ws_ticket(self, request: Request) -> Response:
        """A pass for one socket: single use, 30 seconds."""
        return Response(
            shapes.TicketShape(sessions.issue_ticket(user=account(request), session=session_of(request))).data
        )
