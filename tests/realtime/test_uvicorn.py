"""The socket on another ASGI server than production uses: frames leave by `send`, and nothing else differs."""

from collections.abc import Iterator

import pytest
from django.db import connection

from conversations.models import User
from tests import factories
from tests.realtime.client import Client, durable, token_of
from tests.realtime.conftest import Join
from tests.server import Server


@pytest.fixture(scope="module")
def uvicorn_process(django_db_setup: None, static_files: None) -> Iterator[Server]:
    """The server of `uvicorn`."""
    server = Server(database=str(connection.settings_dict["NAME"]), program="uvicorn")
    yield server
    server.stop()
    server.log.unlink(missing_ok=True)


@pytest.fixture
def uvicorn(transactional_db: None, uvicorn_process: Server) -> Server:
    """A running Uvicorn."""
    uvicorn_process.ensure()
    return uvicorn_process


def test_two_people_talk_and_resume(uvicorn: Server, join: Join, alice: User, bob: User) -> None:
    room = factories.direct(alice, bob)
    a, b, elsewhere = join(alice, at=uvicorn), join(bob, at=uvicorn), join(bob)
    sent = [
        a.do("send", conversation=room, client_id=str(number), content=f"{number}") for number in range(20)
    ]
    for listener in (b, elsewhere):
        heard = [listener.hear("message.created")["version"] for _ in sent]
        assert heard == [message["version"] for message in sent]
    with Client(uvicorn.ws_url, token=token_of(bob)) as back:
        back.hear("hello")
        back.say(op="resume", cursors={str(room): sent[9]["version"]})
        missed = durable(back.until(lambda frame: frame["event"] == "resumed"), room)
        assert [frame["data"]["content"] for frame in missed] == [str(number) for number in range(10, 20)]


def test_it_refuses_and_ends_as_it_should(uvicorn: Server, join: Join, alice: User) -> None:
    with Client(uvicorn.ws_url, token="x.y.z") as stranger:
        assert stranger.code() == 4401
    a = join(alice, at=uvicorn)
    assert a.ask("no such op")["error"]["code"] == "unknown_op"
    a.socket.send("x" * 70_000)
    assert a.code() == 4413
    b = join(alice, at=uvicorn)
    uvicorn.stop()
    assert b.code() == 1012
    assert uvicorn.tracebacks() == ""
