"""A day of chat on a server that encrypts messages: clients cannot tell, and no word of it lies anywhere."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
import redis
from django.conf import settings as current
from django.db import connection
from psycopg import sql
from pytest_django import Settings

from conversations import content_keys, contents
from conversations.models import ContentKey, User
from messaging.models import Message, Revision
from tests import factories, services
from tests.realtime.client import Client, token_of
from tests.server import Server

KEY = "day:" + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
SECRET = uuid4().hex
SECRETS = [f"word{SECRET}{number}" for number in range(9)]
TABLES = (
    """SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND has_table_privilege(oid, 'SELECT')"""
)
VARIED = [
    SECRETS[0],
    f'{SECRETS[1]} "quoted" \\ \x01\x1a\x1f\x7f\t\r\n/ \u2028 é 漢字 🦩',
    f"\x1a{SECRETS[2]}",
    f"{SECRETS[3]} " + "long " * 2_000,
]


@pytest.fixture(scope="module")
def sealing_process(daphne_process: Server) -> Iterator[Server]:
    server = Server(
        database=daphne_process.database, settings={"ENCRYPTION_KEYS": KEY, "ENCRYPT_MESSAGES": "on"}
    )
    yield server
    server.stop()
    server.log.unlink(missing_ok=True)


@pytest.fixture
def sealing(daphne: Server, sealing_process: Server) -> Server:
    """A server that encrypts messages. It does so in one test only: it holds its key longer than that is in a table."""
    sealing_process.ensure()
    return sealing_process


class Day:
    """What two people do on a server, and every byte that they get from it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ann, self.bob = (factories.person("p", display_name=name) for name in ("Ann", "Bob"))
        self.staff = factories.person("p", is_staff=True)
        self.room = factories.group(self.ann, self.bob, name="The day")
        self.agent = factories.agent()
        self.got: list[bytes] = []

    def call(self, method: str, path: str, user: User | None = None, **body: Any) -> Any:
        reply = httpx.request(
            method,
            f"{self.server.base_url}/api/v1{path}",
            headers={"Authorization": f"Bearer {token_of(user or self.ann)}"},
            json=body or None,
        )
        assert reply.status_code < 300, reply.text
        self.got.append(f"{reply.status_code} ".encode() + reply.content)
        return orjson.loads(reply.content) if reply.content else None

    def socket(self, user: User) -> Client:
        client = Client(self.server.ws_url, token=token_of(user))
        receive = client.socket.recv

        def noted(*args: Any, **kwargs: Any) -> Any:
            received = receive(*args, **kwargs)
            self.got.append(received if isinstance(received, bytes) else received.encode())
            return received

        client.socket.recv = noted
        return client

    def live(self) -> None:
        """Over sockets, one at a time so that what is heard has one order."""
        with self.socket(self.ann) as ann, self.socket(self.bob) as bob:
            for each in (ann, bob):
                each.hear("hello")
                each.heard_by_now()
            for number, content in enumerate(VARIED):
                ann.do("send", conversation=self.room, client_id=f"c{number}", content=content)
            ann.do("send", conversation=self.room, client_id="c0", content="again")
            ann.do("edit", conversation=self.room, seq=1, content=SECRETS[4])
            bob.do("react", conversation=self.room, seq=2, emoji="👍", on=True)
            bob.do("send", conversation=self.room, client_id="r", content=SECRETS[5], reply_to=2)
            ann.do("send", conversation=self.room, client_id="d", content=SECRETS[6])
            ann.do("delete", conversation=self.room, seq=6)
            for each in (ann, bob):
                each.heard_by_now()

    def asked(self) -> None:
        """Over REST."""
        here = f"/conversations/{self.room}"
        self.call(
            "POST", f"{here}/messages", content=SECRETS[7], client_id="rest", mentions=[str(self.bob.pk)]
        )
        self.call("POST", f"{here}/messages", content="else", client_id="rest")
        self.call("PATCH", f"{here}/messages/1", content=SECRETS[8])
        self.call("PATCH", f"{here}/messages/1", content=SECRETS[8])
        self.call("PUT", f"{here}/messages/1/reactions/👍", user=self.bob)
        self.call("PUT", f"{here}/pins/2")
        line = {"sender_id": str(self.bob.pk), "content": SECRETS[0], "client_id": "b"}
        self.call(
            "POST",
            f"{here}/messages/batch",
            user=self.staff,
            messages=[{**line, "sent_at": "2026-01-01T00:00:00Z"}],
        )
        for path in (
            f"{here}/messages",
            f"{here}/messages?type=text",
            f"{here}/messages/1",
            f"{here}/messages/1/history",
            f"{here}/messages/2/replies",
            f"{here}/pins",
            f"{here}/changes?after=0",
            f"{here}",
            "/conversations",
            "/users/me/messages",
        ):
            self.call("GET", path)
        self.call("POST", "/sync", cursors={str(self.room): 2})
        case = self.call("POST", "/conversations", type="business", business_id="acme", content=SECRETS[3])
        here = f"/conversations/{case['id']}"
        self.call("GET", f"{here}/messages")
        self.call("POST", f"{here}/messages", user=self.agent, content=SECRETS[4], internal=True)
        self.call("PATCH", f"{here}/notes/1", user=self.agent, content=SECRETS[5])
        self.call("PATCH", f"{here}/notes/1", user=self.agent, content=SECRETS[5])
        self.call("GET", f"{here}/notes", user=self.agent)

    def back(self) -> None:
        """Away, and back again."""
        with self.socket(self.bob) as bob:
            bob.hear("hello")
            bob.say(op="resume", ref=1, cursors={str(self.room): 3})
            bob.hear("resumed")

    def lived(self) -> "Day":
        self.live()
        self.asked()
        self.back()
        return self


def alike(day: Day) -> list[str]:
    """Without what no two days share: ids, names, times, and whether an event comes before the ack."""
    text = b"\n".join(day.got).decode()
    for name in ("room", "ann", "bob"):
        text = text.replace(str(getattr(getattr(day, name), "pk", getattr(day, name))), name)
    pattern = r"[0-9a-f]{8}-[0-9a-f-]{27}|\b(?:p|agent)-\d+|\"[0-9a-f]{32}\"|\d{4}-\d\d-\d\dT[\d:.]+Z"
    return sorted(re.sub(pattern, "#", text).split("\n"))


@pytest.fixture
def overheard() -> Iterator[Callable[[], bytes]]:
    """All that goes through Redis meanwhile."""
    with redis.Redis.from_url(current.REDIS_URL) as client, client.pubsub() as heard:
        heard.psubscribe("*")

        def so_far() -> bytes:
            found = []
            while (message := heard.get_message(timeout=0.2)) is not None:
                found.append(message["data"] if isinstance(message["data"], bytes) else b"")
            return b"\n".join(found)

        yield so_far


def lies_in_tables() -> Iterator[tuple[str, bytes]]:
    """Every row of every table, as text; those of the statistics too, where a superuser may be asked."""
    name = str(connection.settings_dict["NAME"])
    url = f"{current.DATABASE_URL.rsplit('/', 1)[0]}/{name}"
    with services.STARTED[0]._admin(name) if services.STARTED else psycopg.connect(url) as session:
        session.execute("ANALYZE")
        tables: list[Any] = session.execute(TABLES).fetchall()
        for (table,) in tables:
            every = sql.SQL("SELECT string_agg(t::text, '|') FROM {} t").format(sql.SQL(table))
            found: Any = session.execute(every).fetchone()
            yield table, (found[0] or "").encode()


def lies_in_redis() -> Iterator[tuple[str, bytes]]:
    for number in range(3):
        with redis.Redis.from_url(f"{current.REDIS_URL}/{number}") as client:
            for key in client.scan_iter():
                yield str(key), key + (client.dump(key) or b"")


def lies_on_disk(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of PostgreSQL itself, the write-ahead log among them."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def dumped(server: Any) -> bytes:
    """What a backup has."""
    url = f"{current.DATABASE_URL.rsplit('/', 1)[0]}/{connection.settings_dict['NAME']}"
    return subprocess.run([server.bin / "pg_dump", url], capture_output=True, check=True).stdout


def with_a_secret(places: Iterator[tuple[str, bytes]]) -> list[str]:
    return [name for name, found in places if SECRET.encode() in found]


def test_clients_cannot_tell_and_no_word_lies_anywhere(
    sealing: Server, daphne: Server, overheard: Callable[[], bytes]
) -> None:
    sealed = Day(sealing).lived()
    told = overheard()
    assert b"message.created" in told
    assert with_a_secret(iter([("redis", told)])) == []
    assert with_a_secret(lies_in_redis()) == []
    assert Message.objects.filter(content__startswith=contents.MARK).count() == 8
    assert Revision.objects.count() == 2
    assert with_a_secret(lies_in_tables()) == []
    if services.STARTED:
        (server,) = services.STARTED
        assert with_a_secret(lies_on_disk(server.data)) == []
        assert with_a_secret(iter([("dump", dumped(server))])) == []
    plain = Day(daphne).lived()
    assert alike(sealed) == alike(plain)
    assert set(with_a_secret(lies_in_tables())) >= {"messages", "message_revisions"}


def test_a_key_that_another_process_made_is_fetched(sealing: Server, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS, settings.ENCRYPT_MESSAGES = {"day": b"12345678901234567890123456789012"}, True
    content_keys.forget()
    ann = factories.person()
    room = factories.group(ann)
    with Client(sealing.ws_url, token=token_of(ann)) as client:
        client.hear("hello")
        client.heard_by_now()
        for number in range(3):
            factories.say(ann, room, f"from elsewhere {number}")
        assert [client.hear("message.created")["data"]["content"] for _ in range(3)] == [
            f"from elsewhere {number}" for number in range(3)
        ]
    assert ContentKey.objects.count() == 1
    content_keys.forget()
