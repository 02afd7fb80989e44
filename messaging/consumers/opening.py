"""How a connection begins: who it is, and `hello`."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

import orjson
from django.conf import settings
from django.utils import timezone

from conversations.exceptions import Unauthenticated
from conversations.services import sessions
from conversations.tokens import Claims, read_access_token, read_own_token
from messaging import frames
from messaging.hub import people
from messaging.queries import sockets
from messaging.queries.sockets import Opening

HEARTBEAT_S = 25
PROTOCOL = "chat.v1"


class Credentials(NamedTuple):
    """What the handshake brought: one of the two."""

    ticket: str | None = None
    token: str | None = None


def credentials(scope: Mapping[str, Any]) -> Credentials | None:
    """A ticket in the query, a token in the header, or None: then the first frame brings a token.

    Raises Unauthenticated for a query with too many fields.
    """
    try:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    except ValueError:
        raise Unauthenticated from None
    if tickets := query.get("ticket"):
        return Credentials(ticket=tickets[0])
    scheme, _, raw = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").partition(" ")
    return Credentials(token=raw.strip()) if scheme.lower() == "bearer" else None


def identify_at_once(given: Credentials) -> Claims | None:
    """Whose connection it is, where nothing has to be asked: a token of our own. Raises Unauthenticated."""
    return None if given.token is None else read_own_token(given.token)


def identify(given: Credentials) -> Claims:
    """Whose connection it is and until when. A ticket lasts as long as a token would. Raises Unauthenticated."""
    if given.ticket is not None:
        user, session = sessions.redeem_ticket(given.ticket)
        lifetime: Any = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
        return Claims(user.pk, timezone.now() + lifetime, session)
    return read_access_token(given.token or "")


def identify_again(token: str, user_id: UUID) -> Claims:
    """Until when the same person may stay. Raises Unauthenticated, also for the token of somebody else, or of a session
    that was ended."""
    claims = read_access_token(token)
    if claims.user_id != user_id:
        raise Unauthenticated("This token names somebody else.", code="token_not_valid")
    if claims.session is not None and sockets.ended(claims.session):
        raise Unauthenticated("This session was ended.", code="token_not_valid")
    return claims


def first_look(user_id: UUID, session: str | None) -> Opening:
    """What the socket begins with. Raises Unauthenticated for a closed account and a session that was ended."""
    found = sockets.opening(user_id, session)
    if found is None:
        raise Unauthenticated("This account is not active, or was signed out.", code="account_inactive")
    return found


def hello(session: str, user: str, heads: Mapping[str, int]) -> str:
    """The first frame of a connection."""
    limits = {
        "frame_bytes": frames.MAX_BYTES,
        "sends_per_s": people.SENDS_PER_S,
        "burst": people.BURST,
        "sockets": people.MAX_SOCKETS,
    }
    return (
        f'{{"event":"hello","session":"{session}","user":{user},"heartbeat":{HEARTBEAT_S},'
        f'"limits":{orjson.dumps(limits).decode()},"heads":{orjson.dumps(dict(heads)).decode()}}}'
    )
