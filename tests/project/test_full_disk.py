"""PostgreSQL's disk is really full: what is written is refused and can be sent again, what is there can be read."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.db import connection
from psycopg import sql

from conversations.models import User
from messaging.models import Message
from tests import factories, services
from tests.api import Api, problem, read
from tests.realtime.client import Client, token_of
from tests.server import Server

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not services.STARTED,
    reason="needs root, to make a small disk, and the run's own PostgreSQL",
)
SIZE_KB = 512


@pytest.fixture
def fill(transactional_db: None) -> Iterator[Callable[[bool], None]]:
    """Messages lie on a small disk of their own, which this fills, or empties again."""
    with (
        TemporaryDirectory(prefix="disk-", dir="/tmp") as name,
        _mounted(Path(name)) as disk,
        _messages_on(disk),
    ):
        ballast = disk / "ballast"

        def fill(full: bool) -> None:
            if full:
                subprocess.run(
                    ["dd", "if=/dev/zero", f"of={ballast}", "bs=1k"], check=False, capture_output=True
                )
            else:
                ballast.unlink()

        yield fill


@contextmanager
def _mounted(place: Path) -> Iterator[Path]:
    place.chmod(0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def _messages_on(disk: Path) -> Iterator[None]:
    server = services.STARTED[0]
    place = disk / "postgres"
    place.mkdir()
    if server.account is not None:
        server.account.own(place)
    with server._admin(str(connection.settings_dict["NAME"])) as admin:
        location = sql.Literal(str(place))
        admin.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(location))
        admin.execute("ALTER TABLE messages SET TABLESPACE small")
        try:
            yield
        finally:
            admin.execute("TRUNCATE messages CASCADE")
            admin.execute("ALTER TABLE messages SET TABLESPACE pg_default")
            admin.execute("DROP TABLESPACE small")


def _long(number: int) -> dict[str, str]:
    """Too long and too random for what is left of a page."""
    return {"client_id": str(number), "content": secrets.token_hex(2_000)}


def test_what_is_written_is_refused_and_what_is_there_is_read(
    fill: Callable[[bool], None], daphne: Server
) -> None:
    ann, bob = factories.person("ann"), factories.person("bob")
    room = factories.direct(ann, bob)
    factories.say(ann, room, "before")
    with Client(daphne.ws_url, token=token_of(bob)) as hears:
        hears.hear("hello")
        fill(True)
        stored = _until_refused(ann, f"/conversations/{room}/messages")
        refused = hears.ask("send", conversation=room, **_long(stored))
        assert (refused["event"], refused["error"]["code"]) == ("error", "unavailable")
        page = read(Api(bob).get(f"/conversations/{room}/messages"))["results"]
        assert [one["seq"] for one in page] == list(range(1, stored + 2))
        fill(False)
        again = read(Api(ann).post(f"/conversations/{room}/messages", _long(stored)), 201)
        assert again["seq"] == stored + 2  # nothing was left of those that were refused
        assert hears.hear("message.created", version=again["version"])["data"]["seq"] == again["seq"]
        assert hears.do("send", conversation=room, **_long(stored))["seq"] == stored + 3
    assert Message.objects.count() == stored + 3


def _until_refused(ann: User, path: str) -> int:
    """How many messages still had room."""
    for number in range(100):
        reply = Api(ann).post(path, _long(number))
        if reply.status_code != 201:
            assert problem(reply, 503)["code"] == "database_busy"
            assert reply["Retry-After"]
            return number
    raise AssertionError("the disk was never full")
