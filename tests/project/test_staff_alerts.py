"""The staff's socket: who may open it, what it says, and when it ends."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as of_the_run
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chatbackend import staff_alerts
from chatbackend.doors import origin_allowed
from conversations.models import User
from dbperf import checks
from dbperf.findings import Finding, Level, Remedy
from dbperf.models import Alert
from dbperf.services import alerting
from messaging.consumers import work
from tests import asyncapi
from tests.server import Server

PATH = "/ws/staff/alerts"


def session_of(name: str = "the-admin", *, staff: bool = True, may: bool = True) -> str:
    user = User.objects.create_user(name, "x", is_staff=staff)
    if may:
        user.user_permissions.add(Permission.objects.get(codename="view_metrics"))
    client = Client()
    client.force_login(user)
    return client.cookies[of_the_run.SESSION_COOKIE_NAME].value


def look(level: Level | None, times: int) -> None:
    found = [Finding("blocking", level, "pid 1", "It waits.", Remedy("End it."))] if level else []
    for _ in range(times):
        alerting.heed(checks.Outcome(found), asked=["blocking"])


@contextmanager
def opened(server: Server, key: str, origin: str | None = "") -> Iterator[ClientConnection]:
    given: Any = server.base_url if origin == "" else origin
    cookie = {"Cookie": f"{of_the_run.SESSION_COOKIE_NAME}={key}"}
    url = server.base_url.replace("http", "ws", 1) + PATH
    with connect(url, origin=given, additional_headers=cookie, open_timeout=10) as socket:
        yield socket


def refused(server: Server, key: str, origin: str | None = "") -> int | None:
    try:
        with opened(server, key, origin):
            return None
    except InvalidStatus as error:
        return error.response.status_code


def heard(text: str | bytes) -> Any:
    """What was sent: as the AsyncAPI document has it."""
    frame = json.loads(text)
    asyncapi.check_heard(frame, "hear_alerts")
    return frame


def closed_with(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(10)
    return closed.value.rcvd.code if closed.value.rcvd else None


def test_who_may_open_it(daphne: Server) -> None:
    key = session_of()
    assert refused(daphne, key) is None
    others = session_of("plain", staff=False), session_of("unentitled", may=False)
    for other in ("", "x" * 32, *others):
        assert refused(daphne, other) == 403
    beside = daphne.base_url.replace("127.0.0.1", "localhost")
    for origin in (None, "https://evil.example.org", "null", beside):
        assert refused(daphne, key, origin) == 403


def test_other_front_ends_may_not(settings: Settings) -> None:
    """Those that may open the chat's socket."""
    settings.CORS_ALLOWED_ORIGINS, settings.ALLOWED_HOSTS = ["https://app.example.org"], ["chat.example.org"]
    for origin, ours in (("https://app.example.org", False), ("https://chat.example.org", True)):
        assert origin_allowed(origin, "chat.example.org")
        headers = [(b"host", b"chat.example.org"), (b"origin", origin.encode())]
        assert staff_alerts.from_our_pages({"headers": headers}) is ours


def test_it_says_that_something_changed_in_another_process(daphne: Server) -> None:
    with opened(daphne, session_of()) as socket:
        for level, times in ((Level.WARNING, 2), (Level.CRITICAL, 2), (None, 3)):
            look(level, times)
            assert heard(socket.recv(10)) == {"event": "alerts", "alerts": [Alert.objects.get().pk]}
        look(Level.WARNING, 1)  # not yet an alert
        with pytest.raises(TimeoutError):
            socket.recv(0.3)


@pytest.mark.parametrize("end", ["session", "permission", "account"])
def test_who_may_no_longer_hears_nothing(daphne: Server, end: str) -> None:
    with opened(daphne, session_of()) as socket:
        if end == "session":
            Session.objects.all().delete()
        elif end == "permission":
            User.objects.get().user_permissions.clear()
        else:
            User.objects.update(is_active=False)
        look(Level.WARNING, 2)
        assert closed_with(socket) == staff_alerts.NOT_ALLOWED


def test_who_speaks_is_closed(daphne: Server) -> None:
    with opened(daphne, session_of()) as socket:
        socket.send('{"type": "alerts.changed"}')
        assert closed_with(socket) == staff_alerts.UNASKED


@pytest.mark.django_db(transaction=True)
def test_it_is_asked_again_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_alerts, "RECHECK_S", 0.05)
    asyncio.run(_left_alone(session_of()))


async def _left_alone(key: str) -> None:
    cookie = f"{of_the_run.SESSION_COOKIE_NAME}={key}".encode()
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", cookie)]
    scope = {"type": "websocket", "path": PATH, "headers": headers}
    communicator: Any = ApplicationCommunicator  # without types of its own
    socket = communicator(staff_alerts.AlertsConsumer.as_asgi(), scope)
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(5))["type"] == "websocket.accept"
    for _ in range(2):
        assert heard((await socket.receive_output(5))["text"]) == {"event": "still"}
    await work.run(Session.objects.all().delete)
    closed = await socket.receive_output(5)
    while closed["type"] == "websocket.send":  # on its way while the session ended
        closed = await socket.receive_output(5)
    assert (closed["type"], closed["code"]) == ("websocket.close", staff_alerts.NOT_ALLOWED)
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait(5)
