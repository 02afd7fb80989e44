"""What every viewset of the API has in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from conversations.authentication import AccountAuthentication, ClaimsAuthentication
from conversations.contents import opened
from conversations.exceptions import NotFound
from conversations.models import User
from conversations.permissions import IsStaff
from conversations.queries import inbox
from conversations.throttling import Limit, Standing, WindowThrottle, headers
from conversations.tokens import Claims


class ChatViewSet(ViewSet):
    """Actions name what is special about them in these sets; the default is a signed-in, active account.

    `open_actions` need nobody signed in; `hot_actions` trust the token and leave the account to their own statement;
    `session_actions` also take the admin's session cookie; `staff_actions` are for staff, and take it too. `problems`
    names the errors that the OpenAPI document cannot work out by itself.
    """

    # Without OPTIONS, which is for CORS and answered before any view.
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    open_actions: ClassVar[frozenset[str]] = frozenset()
    hot_actions: ClassVar[frozenset[str]] = frozenset()
    session_actions: ClassVar[frozenset[str]] = frozenset()
    staff_actions: ClassVar[frozenset[str]] = frozenset()
    limits: ClassVar[Mapping[str, Sequence[Limit]]] = {}
    problems: ClassVar[Mapping[str, Sequence[int]]] = {}
    standings: list[Standing]

    @property
    def wanted(self) -> str:
        """The action asked for. REST framework sets `action` only after it has asked for authenticators."""
        request: Request | None = self.request  # None while the OpenAPI document is made
        return str(self.action_map.get(str(request.method).lower(), "") if request else self.action)

    @property
    def _open(self) -> bool:
        """Also for a method that an open address does not know: that is 405 for anybody."""
        wanted = {self.wanted} if self.wanted else set(self.action_map.values())
        return wanted <= self.open_actions

    def get_authenticators(self) -> list[BaseAuthentication]:
        if self._open:
            return []
        if self.wanted in self.hot_actions:
            return [ClaimsAuthentication()]
        if self.wanted in self.staff_actions | self.session_actions:
            return [AccountAuthentication(), SessionAuthentication()]
        return [AccountAuthentication()]

    def get_permissions(self) -> list[BasePermission]:
        if self._open:
            return []
        if self.wanted in self.staff_actions:
            return [IsAuthenticated(), IsStaff()]
        return [IsAuthenticated()]

    def get_throttles(self) -> list[BaseThrottle]:
        self.standings = []
        return [WindowThrottle(limit) for limit in self.limits.get(self.wanted, ())]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """JSON, whatever the client would rather have: there is nothing else, and looking costs every request."""
        renderer = JSONRenderer()
        return renderer, renderer.media_type

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in headers(getattr(self, "standings", ())).items():
            final[name] = value
        final.headers.setdefault("Cache-Control", "no-store")
        return final


def json_reply(body: str, *, status: int = 200) -> HttpResponse:
    """JSON that PostgreSQL wrote, handed through as it is, but for words that lie sealed."""
    return HttpResponse(opened(body).encode(), status=status, content_type="application/json")


def account(request: Request) -> User:
    """The signed-in account of an action that is neither open nor hot."""
    return cast(User, request.user)


def session_of(request: Request) -> str | None:
    """The sign-in that the caller's token comes from, where that is ours."""
    return cast(Claims, request.auth).session


def caller_id(request: Request) -> UUID:
    """Who is calling, also in hot actions."""
    return cast(UUID, request.user.pk)


def viewed(request: Request, conversation_id: UUID) -> str:
    """A conversation as the caller sees it. Raises NotFound."""
    found = inbox.conversation(viewer=caller_id(request), conversation_id=conversation_id)
    if found is None:
        raise NotFound("No such conversation.")
    return found
