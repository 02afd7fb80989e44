"""Signing in, staying signed in, and passes for sockets."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from conversations import access
from conversations.exceptions import Unauthenticated
from conversations.models import SocketTicket, User
from conversations.services import audit, notices
from conversations.services.audit import Action
from conversations.tokens import REFUSED, read_access_token

TICKET_LIFE = timedelta(seconds=30)


class Tokens(NamedTuple):
    """What a client signs in with, and the refresh token that gets it the next pair, once."""

    access: str
    refresh: str


class Ticket(NamedTuple):
    """An opaque pass for one socket."""

    ticket: str
    expires_at: datetime


def sign_in(*, username: str, password: str) -> tuple[User, Tokens]:
    """Raises Unauthenticated, with the same words and the same work for a wrong name and a wrong password."""
    user = User.objects.active().filter(username=username).first()
    # Against an unusable password Django still runs the hasher once.
    if not check_password(password, user.password if user else make_password(None)) or user is None:
        audit.keep(Action.SIGN_IN_REFUSED, actor=None, subject=user.pk if user else "")
        raise Unauthenticated("Wrong username or password.", code="bad_credentials")
    session = uuid4().hex
    with transaction.atomic():
        audit.keep(Action.SIGNED_IN, actor=user.pk, session=session)
        return user, _tokens(user, session=session)


def _tokens(user: User, *, session: str) -> Tokens:
    """A pair. The session's name goes from each refresh token to the next, and into every access token."""
    refresh = RefreshToken()
    refresh["user_id"] = str(user.pk)
    refresh["sid"] = session
    # Not by `for_user`, which keeps the token itself: its id is enough to know it again.
    OutstandingToken.objects.create(
        user=user,
        jti=refresh["jti"],
        token="",
        created_at=refresh.current_time,
        expires_at=datetime.fromtimestamp(refresh["exp"], UTC),
    )
    return Tokens(str(refresh.access_token), str(refresh))


def rotate(refresh: str) -> Tokens:
    """A new pair for a refresh token, which is thereby used up.

    The blacklist's unique row decides which of two racing rotations was first. Raises Unauthenticated.
    """
    with transaction.atomic():
        user, session = _use_up(refresh)
        return _tokens(user, session=session or uuid4().hex)


def revoke(refresh: str) -> None:
    """Signs out: uses a refresh token up without a successor and closes the sockets of its session, in every process.

    Access tokens of the session open no socket any more, and are good for requests until they run out. Raises
    Unauthenticated for a token that is not valid.
    """
    with transaction.atomic():
        user, session = _use_up(refresh)
        audit.keep(Action.SIGNED_OUT, actor=user.pk, session=session)
        if session:
            notices.tell(user_id=user.pk, change="session_ended", session=session)


def verify(token: str) -> None:
    """Raises Unauthenticated for a token, of either kind, that would not be taken at this moment."""
    try:
        access.require_active(read_access_token(token).user_id)
    except Unauthenticated:
        _outstanding(token)


def _outstanding(refresh: str) -> tuple[OutstandingToken, User, str | None]:
    """The record of a refresh token that is good, whose it is, and its session."""
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]  # verifies signature, expiry and the blacklist
    except TokenError as error:
        raise Unauthenticated(REFUSED, code="token_not_valid") from error
    outstanding = OutstandingToken.objects.filter(jti=token["jti"]).select_related("user").first()
    user = outstanding.user if outstanding else None
    if outstanding is None or user is None or not user.is_active:
        raise Unauthenticated(REFUSED, code="token_not_valid")
    return outstanding, user, token.get("sid")


def _use_up(refresh: str) -> tuple[User, str | None]:
    outstanding, user, session = _outstanding(refresh)
    try:
        with transaction.atomic():
            BlacklistedToken.objects.create(token=outstanding)
    except IntegrityError as error:
        raise Unauthenticated("This refresh token was used already.", code="token_not_valid") from error
    return user, session


def issue_ticket(*, user: User, session: str | None = None) -> Ticket:
    """A pass that opens one socket within 30 s. Only its digest is kept."""
    ticket = secrets.token_urlsafe(32)
    expires_at = timezone.now() + TICKET_LIFE
    SocketTicket.objects.create(digest=_digest(ticket), user=user, session=session, expires_at=expires_at)
    return Ticket(ticket, expires_at)


def redeem_ticket(ticket: str) -> tuple[User, str | None]:
    """Whose ticket this is, and of which session; deleting its row is what makes it single use.

    Raises Unauthenticated.
    """
    with transaction.atomic():
        found = (
            SocketTicket.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(digest=_digest(ticket))
            .first()
        )
        if found:
            SocketTicket.objects.filter(pk=found.pk).delete()
    if found is None or found.expires_at < timezone.now() or not found.user.is_active:
        raise Unauthenticated("This ticket is not valid any more.", code="ticket_not_valid")
    return found.user, found.session


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
