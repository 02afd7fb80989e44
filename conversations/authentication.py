"""Who is calling over HTTP. Two ways, one token.

`AccountAuthentication` is the default: it loads the account and refuses a closed one. `ClaimsAuthentication` costs no
statement and is for the hot actions only, whose own statement joins the caller's account and checks that it is active.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from conversations.exceptions import Unauthenticated
from conversations.models import User
from conversations.tokens import Claims, read_access_token


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a valid token names, not yet looked up."""

    pk: UUID
    is_authenticated: bool = True
    is_staff: bool = False

    @property
    def id(self) -> UUID:
        return self.pk


class _Bearer(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'

    def claims(self, request: Request) -> Claims | None:
        scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return read_access_token(raw.strip())


class AccountAuthentication(_Bearer):
    """One statement: the account, which must be active."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        claims = self.claims(request)
        if claims is None:
            return None
        user = User.objects.active().filter(pk=claims.user_id).first()
        if user is None:
            raise Unauthenticated("This account is not active.", code="account_inactive")
        return user, claims


class ClaimsAuthentication(_Bearer):
    """No statement: the action's own statement must check that the account is active."""

    def authenticate(self, request: Request) -> tuple[Caller, Any] | None:
        claims = self.claims(request)
        return (Caller(claims.user_id), claims) if claims else None
