"""Those who stop reading: bounded, closed, and nobody else's concern."""

import socket

import pytest
from websockets.exceptions import ConnectionClosed

from conversations.models import User
from tests import factories
from tests.realtime.client import Client, Frame, durable, token_of
from tests.realtime.conftest import Join
from tests.server import Server

LONG = "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 16_000  # 48 KB
MANY = 190  # 9 MB, where the systems' buffers hold five and the server one


def stalled(server: Server, user: User) -> Client:
    """A client whose system takes little, and which reads nothing but `hello` until it is asked to."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.connect(("127.0.0.1", server.port))
    client = Client(server.ws_url, token=token_of(user), sock=line, max_queue=1)
    client.hello = client.hear("hello")
    return client


def read_all(client: Client) -> tuple[list[Frame], int | None]:
    """What can still be read, and the code at its end: None where the server gave up waiting for the reader."""
    frames: list[Frame] = []
    try:
        while True:
            frames.append(client.next())
    except ConnectionClosed as closed:
        return frames, closed.rcvd.code if closed.rcvd else None


@pytest.mark.slow
def test_one_who_stops_reading_is_closed_and_disturbs_nobody(
    daphne: Server, join: Join, alice: User, bob: User
) -> None:
    carol = factories.person("carol")
    room = factories.group(alice, bob, carol)
    writer, listener = join(bob), join(carol)
    slow = stalled(daphne, alice)
    sent = []
    for number in range(MANY):
        written = writer.do("send", conversation=room, client_id=str(number), content=LONG)
        sent.append(written["version"])
        assert listener.hear("message.created")["version"] == sent[-1]

    frames, code = read_all(slow)
    got = [frame["version"] for frame in durable(frames, room)]
    assert got == sent[: len(got)]
    assert len(got) < MANY
    assert code in (4408, None)

    back = join(alice)
    last = got[-1] if got else slow.hello["heads"][str(room)]
    back.say(op="resume", cursors={str(room): last})
    missed = durable(back.until(lambda frame: frame["event"] == "resumed"), room)
    assert [frame["version"] for frame in missed] == sent[len(got) :]
