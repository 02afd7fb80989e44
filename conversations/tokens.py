"""Access tokens: our own, and those of the identity provider that the settings name.

Each kind is verified by its own pinned algorithm and key, chosen here and never by the token: `none` and a public key
used as an HMAC secret have no way in.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from conversations.exceptions import Unauthenticated
from conversations.published_keys import PublishedKeys
from conversations.services.users import user_of_platform

REFUSED = "This token is not valid, or not any more."


class _NotOurs(ValueError):
    """A token by another algorithm than our own. Raised, since the cache must not fill with what strangers send."""


class Claims(NamedTuple):
    """Whom a token names, and until when. `session` is the sign-in that it comes from, where that is ours."""

    user_id: UUID
    expires_at: datetime
    session: str | None = None


def read_access_token(raw: str) -> Claims:
    """Verifies an access token. No statement for our own; one for a person of the platform. Raises Unauthenticated."""
    return _checked(_verified, raw)


def read_own_token(raw: str) -> Claims | None:
    """Verifies one of ours, without a statement or anything else to wait for; None for another kind.

    Raises Unauthenticated.
    """
    try:
        return _checked(_own, raw)
    except _NotOurs:
        return None


def _checked(verify: Callable[[str], Claims], raw: str) -> Claims:
    try:
        claims = verify(raw)
    except _NotOurs:
        raise
    except (jwt.PyJWTError, TokenError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise Unauthenticated(REFUSED, code="token_not_valid") from error
    if claims.expires_at <= datetime.now(UTC):
        raise Unauthenticated(REFUSED, code="token_not_valid")
    return claims


def _verified(raw: str) -> Claims:
    try:
        return _own(raw)
    except _NotOurs:
        return _platform(raw)


@lru_cache(maxsize=16_384)
def _own(raw: str) -> Claims:
    """What one of our own tokens says.

    Kept, since a client shows the same token with every request and checking its signature costs more than reading a
    page of history; only what verified is kept, and its expiry is looked at each time.
    """
    if jwt.get_unverified_header(raw).get("alg") != settings.SIMPLE_JWT["ALGORITHM"]:
        raise _NotOurs
    token = AccessToken(raw)  # type: ignore[arg-type]
    return Claims(UUID(token["user_id"]), datetime.fromtimestamp(token["exp"], UTC), token.get("sid"))


def _platform(raw: str) -> Claims:
    algorithm = jwt.get_unverified_header(raw).get("alg")
    if algorithm not in settings.JWT_ALGORITHMS or not (settings.JWT_JWK_URL or settings.JWT_VERIFYING_KEY):
        raise ValueError(algorithm)
    payload: dict[str, Any] = jwt.decode(
        raw,
        _verifying_key(raw, algorithm),
        algorithms=[algorithm],
        issuer=settings.JWT_ISSUER or None,
        audience=settings.JWT_AUDIENCE or None,
        leeway=settings.CLOCKS_APART_S,
        options={"require": ["exp", settings.JWT_USER_CLAIM]},
    )
    kaha_id = payload[settings.JWT_USER_CLAIM]
    if not isinstance(kaha_id, str | int) or not 0 < len(str(kaha_id)) <= 64 or "\0" in str(kaha_id):
        raise ValueError(settings.JWT_USER_CLAIM)
    expires_at = datetime.fromtimestamp(payload["exp"], UTC)
    if expires_at <= datetime.now(UTC):  # the leeway is for its beginning; before an account is made
        raise ValueError("exp")
    return Claims(user_of_platform(str(kaha_id)), expires_at)


def _verifying_key(raw: str, algorithm: str) -> Any:
    if settings.JWT_JWK_URL:
        return published(settings.JWT_JWK_URL).key(jwt.get_unverified_header(raw).get("kid"), algorithm)
    return settings.JWT_VERIFYING_KEY


@lru_cache(maxsize=1)
def published(url: str) -> PublishedKeys:
    """The provider's keys, as this process knows them."""
    return PublishedKeys(url)
