"""Signing out ends the sockets of that sign-in, wherever they are, and no others."""

import pytest
from websockets.exceptions import ConnectionClosed

from conversations.models import SocketTicket, User
from conversations.services import sessions
from conversations.services.sessions import Tokens
from tests.api import Api, read
from tests.realtime.client import Client
from tests.realtime.conftest import Join
from tests.server import Server

PASSWORD = "long and not in any list"


@pytest.fixture
def dora(transactional_db: None) -> User:
    """Somebody who can sign in."""
    return User.objects.create_user("dora", PASSWORD)


def signed_in(user: User) -> Tokens:
    return sessions.sign_in(username=user.username, password=PASSWORD)[1]


def opened(join: Join, user: User, access: str, **options: Server) -> Client:
    return join(user, access=access, **options)


def refused(client: Client) -> None:
    """Closed before it was told anything."""
    with pytest.raises(ConnectionClosed) as closed:
        client.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_signing_out_closes_the_sockets_of_that_session(
    dora: User, join: Join, daphne: Server, other: Server
) -> None:
    phone, laptop = signed_in(dora), signed_in(dora)
    renewed = sessions.rotate(phone.refresh)
    here, there = opened(join, dora, phone.access), opened(join, dora, renewed.access, at=other)
    stays = opened(join, dora, laptop.access, at=other)
    sessions.revoke(renewed.refresh)
    assert [here.code(), there.code()] == [4401, 4401]
    assert stays.ask("ping")["event"] == "pong"


def test_an_ended_session_opens_no_socket(dora: User, join: Join, daphne: Server) -> None:
    phone, laptop = signed_in(dora), signed_in(dora)
    ticket = read(Api(token=phone.access).post("/auth/ws-ticket"))["ticket"]
    mine = opened(join, dora, laptop.access)
    sessions.revoke(phone.refresh)
    assert mine.ask("auth", token=phone.access)["error"]["code"] == "token_not_valid"
    assert mine.ask("ping")["event"] == "pong"
    with Client(daphne.ws_url, headers={"Authorization": f"Bearer {phone.access}"}) as late:
        refused(late)
    with Client(f"{daphne.ws_url}?ticket={ticket}") as late:
        refused(late)


def test_a_socket_goes_over_to_the_session_of_a_new_token(dora: User, join: Join, daphne: Server) -> None:
    phone, laptop = signed_in(dora), signed_in(dora)
    socket, behind = opened(join, dora, phone.access), opened(join, dora, phone.access)
    socket.do("auth", token=laptop.access)
    sessions.revoke(phone.refresh)
    assert behind.code() == 4401
    assert socket.ask("ping")["event"] == "pong"
    sessions.revoke(laptop.refresh)
    assert socket.code() == 4401


def test_a_ticket_knows_its_session(dora: User, join: Join, daphne: Server) -> None:
    phone = signed_in(dora)
    ticket = read(Api(token=phone.access).post("/auth/ws-ticket"))["ticket"]
    assert SocketTicket.objects.get().session
    with Client(f"{daphne.ws_url}?ticket={ticket}") as socket:
        socket.hear("hello")
        sessions.revoke(phone.refresh)
        assert socket.code() == 4401
