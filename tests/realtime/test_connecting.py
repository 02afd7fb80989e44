"""Who gets in, how, and for how long."""

import signal
import socket
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import InvalidStatus

from conversations.models import SocketTicket, User
from conversations.services import sessions
from tests import factories
from tests.realtime.client import Client, token_of
from tests.realtime.conftest import Join
from tests.server import Server


def brief_token(user: User, seconds: float) -> str:
    """A token that runs out soon, or did."""
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(seconds=seconds))
    return str(token)


def test_hello_says_who_and_where(alice: User, bob: User, join: Join) -> None:
    room, silent = factories.direct(alice, bob), factories.group(alice, name="silent")
    other = factories.group(bob)
    version = factories.say(bob, room).version
    hello = join(alice).hello
    assert hello["heads"] == {str(room): version, str(silent): 1}
    assert str(other) not in hello["heads"]
    assert hello["user"] == {
        "id": str(alice.pk),
        "kaha_id": None,
        "username": alice.username,
        "display_name": "Alice",
        "avatar_url": None,
    }
    assert hello["heartbeat"] == 25
    assert hello["limits"] == {"frame_bytes": 65536, "sends_per_s": 20, "burst": 40, "sockets": 10}
    assert hello.keys() == {"event", "session", "user", "heartbeat", "limits", "heads"}


def test_a_ticket_opens_one_socket(alice: User, daphne: Server) -> None:
    ticket = sessions.issue_ticket(user=alice).ticket
    url = f"{daphne.ws_url}?ticket={ticket}"
    with Client(url) as first:
        assert first.hear("hello")["user"]["id"] == str(alice.pk)
        assert first.socket.subprotocol == "chat.v1"
        with Client(url) as second:
            assert second.code() == 4401
        assert first.ask("ping") == {"event": "pong", "ref": 1}


def test_an_expired_ticket_opens_none(alice: User, daphne: Server) -> None:
    ticket = sessions.issue_ticket(user=alice).ticket
    SocketTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with Client(f"{daphne.ws_url}?ticket={ticket}") as client:
        assert client.code() == 4401


def test_a_token_in_the_first_frame(alice: User, daphne: Server) -> None:
    with Client(daphne.ws_url, protocol=False) as client:
        assert client.socket.subprotocol is None
        client.say(op="auth", ref="me", token=token_of(alice))
        assert client.next()["event"] == "hello"
        assert client.next() == {"event": "ack", "ref": "me", "result": {}}


def test_a_bad_token_in_the_first_frame_is_told_and_closed(alice: User, daphne: Server) -> None:
    with Client(daphne.ws_url) as client:
        client.say(op="auth", ref=1, token=brief_token(alice, -1))
        assert client.next()["error"]["code"] == "token_not_valid"
        assert client.code() == 4401


@pytest.mark.parametrize("frame", ['{"op": "ping"}', "not json", '{"op": "auth"}'])
def test_any_other_first_frame_ends_it(daphne: Server, frame: str) -> None:
    with Client(daphne.ws_url) as client:
        client.socket.send(frame)
        assert client.code() == 4401


def test_silence_ends_it(daphne: Server) -> None:
    with Client(daphne.ws_url) as client:
        assert client.code() == 4401


@pytest.mark.parametrize("query", ["ticket=nonsense", "ticket=" + "x" * 5000])
def test_a_ticket_that_never_was(daphne: Server, query: str) -> None:
    with Client(f"{daphne.ws_url}?{query}") as client:
        assert client.code() == 4401


def test_tokens_that_do_not_count(alice: User, daphne: Server) -> None:
    forged = token_of(alice)[:-4] + "AAAA"
    for token in (brief_token(alice, -1), forged, "x.y.z", "nonsense"):
        with Client(daphne.ws_url, token=token) as client:
            assert client.code() == 4401


def test_a_token_never_works_in_the_url(alice: User, daphne: Server) -> None:
    with Client(f"{daphne.ws_url}?token={token_of(alice)}") as client:
        client.say(op="ping")
        assert client.code() == 4401


def test_a_closed_account_has_no_socket(alice: User, daphne: Server) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with Client(daphne.ws_url, token=token_of(alice)) as client:
        assert client.code() == 4401


def test_pages_of_elsewhere_are_refused(alice: User, daphne: Server) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        Client(daphne.ws_url, token=token_of(alice), headers={"Origin": "https://elsewhere.example"})
    assert refusal.value.response.status_code == 403


def test_a_socket_ends_with_its_token(alice: User, bob: User, daphne: Server, join: Join) -> None:
    room = factories.direct(alice, bob)
    b = join(bob)
    with Client(daphne.ws_url, token=brief_token(alice, 1.5)) as client:
        client.hear("hello")
        assert client.code() == 4401
    b.do("send", conversation=room, client_id="1", content="gone?")


def test_a_new_token_keeps_the_socket(alice: User, daphne: Server) -> None:
    with Client(daphne.ws_url, token=brief_token(alice, 2)) as client:
        client.hear("hello")
        client.do("auth", token=brief_token(alice, 600))
        with pytest.raises(TimeoutError):
            client.next(timeout=3)
        assert client.ask("ping")["event"] == "pong"


def test_a_new_token_must_be_the_same_persons_and_valid(alice: User, bob: User, join: Join) -> None:
    a = join(alice)
    for token in (token_of(bob), brief_token(alice, -1), "nonsense"):
        assert a.ask("auth", token=token)["error"]["code"] == "token_not_valid"
    assert a.ask("ping")["event"] == "pong"


def test_the_eleventh_socket_of_a_person_is_refused(
    alice: User, bob: User, join: Join, daphne: Server
) -> None:
    open_ = [join(alice) for _ in range(10)]
    with Client(daphne.ws_url, token=token_of(alice)) as eleventh:
        assert eleventh.code() == 4429
    assert all(client.ask("ping")["event"] == "pong" for client in open_)
    join(bob)
    open_[0].socket.close()  # waits for the closing handshake, after which the place is free
    join(alice)


def test_an_address_that_is_not_there(daphne: Server) -> None:
    with pytest.raises(InvalidStatus):
        Client(daphne.ws_url.replace("/ws/chat", "/ws/other"))


def test_many_who_come_while_the_server_is_busy_wait_in_its_line(other: Server) -> None:
    assert other.process
    other.process.send_signal(signal.SIGSTOP)
    try:
        with ExitStack() as line:
            for _ in range(300):  # one too many would be dropped by the kernel, and time out
                line.enter_context(socket.create_connection(("127.0.0.1", other.port), timeout=2))
    finally:
        other.process.send_signal(signal.SIGCONT)
