"""A process dies between the commit and the ack; what was asked is asked again elsewhere, through the other door."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from django.db import connection

from conversations.models import Conversation, User
from messaging.models import Message
from tests import factories
from tests.factories import Json
from tests.races import PATIENCE_S, holding
from tests.realtime.client import Client, token_of
from tests.realtime.conftest import Join
from tests.realtime.proxy import Proxy
from tests.server import Server

UP = "\N{THUMBS UP SIGN}"
Ask = Callable[..., Any]


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    there = Proxy()
    yield there
    there.mend()
    there.close()


@pytest.fixture
def doomed(daphne: Server, proxy: Proxy) -> Iterator[Server]:
    """A server that reaches PostgreSQL by the proxy."""
    server = Server(database=daphne.database, settings={"DATABASE_URL": proxy.url(daphne.database)})
    server.start()
    yield server
    server.kill()
    server.log.unlink(missing_ok=True)


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until
        threading.Event().wait(0.01)


def _somebody_waits() -> bool:
    """Whether a connection of this database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND cardinality(pg_blocking_pids(pid)) > 0)"
        )
        return bool(cursor.fetchone()[0])


def _call(server: Server, user: User, method: str, path: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    url = f"{server.base_url}/api/v1/conversations/{path}"
    return httpx.request(method, url, headers=headers, json=body or None, timeout=PATIENCE_S)


def _rest(server: Server, user: User, room: UUID) -> dict[str, Callable[[], httpx.Response]]:
    """The four changes, over REST."""
    message = f"{room}/messages/1"
    return {
        "edit": lambda: _call(server, user, "PATCH", message, content="other"),
        "react": lambda: _call(server, user, "PUT", f"{message}/reactions/{quote(UP)}"),
        "delete": lambda: _call(server, user, "DELETE", f"{room}/messages/2"),
        "send": lambda: _call(server, user, "POST", f"{room}/messages", client_id="c", content="once"),
    }


def _frames(room: UUID) -> dict[str, Json]:
    """The same, over the socket."""
    return {
        "edit": {"op": "edit", "conversation": room, "seq": 1, "content": "other"},
        "react": {"op": "react", "conversation": room, "seq": 1, "emoji": UP, "on": True},
        "delete": {"op": "delete", "conversation": room, "seq": 2},
        "send": {"op": "send", "conversation": room, "client_id": "c", "content": "once"},
    }


def _ask(door: str, server: Server, user: User, room: UUID, name: str) -> None:
    """Asks, and never learns what came of it."""
    if door == "socket":
        client = Client(server.ws_url, token=token_of(user))
        client.hear("hello")
        client.say(**_frames(room)[name])
        return

    def ask() -> None:
        try:
            _rest(server, user, room)[name]()
        except httpx.TransportError:
            return

    threading.Thread(target=ask, daemon=True).start()


@pytest.mark.parametrize("door", ["socket", "rest"])
def test_asked_again_elsewhere_it_is_done_once(
    door: str, alice: User, bob: User, join: Join, daphne: Server, doomed: Server, proxy: Proxy
) -> None:
    room = factories.direct(alice, bob)
    factories.say(alice, room)
    factories.say(alice, room)
    for version, name in enumerate(("edit", "react", "delete"), start=4):
        _ask(door, doomed, alice, room, name)
        _until(lambda version=version: Conversation.objects.get(pk=room).version == version)  # type: ignore[misc]
    with holding(room):
        _ask(door, doomed, alice, room, "send")
        _until(_somebody_waits)
        proxy.hush()
    _until(Message.objects.filter(conversation=room, seq=3).exists)  # committed, and its server does not know
    doomed.kill()
    committed = factories.said(alice, room)
    assert (committed[0]["content"], committed[2]["content"]) == ("other", "once")
    if door == "rest":
        socket = join(alice)
        frames = _frames(room)
        again = [socket.do(**frames[name]) for name in ("edit", "delete", "send", "react")]
        assert again[2].pop("duplicate") is True
    else:
        rest = _rest(daphne, alice, room)
        replies = [rest[name]() for name in ("edit", "delete", "send", "react")]
        assert [reply.status_code for reply in replies] == [200] * 4
        again = [reply.json() for reply in replies]
    assert again == [*committed, committed[0]]
    assert factories.said(alice, room) == committed
    assert Conversation.objects.get(pk=room).version == 7
