"""Presence over sockets: two processes, one killed, strangers, reconnects; and the book-keeping by itself."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic, sleep
from uuid import uuid4

import pytest

from conversations.models import LastSeen, Presence, SocketProcess, User
from conversations.queries.presence import DEAD_AFTER_S
from conversations.services import participants
from messaging.hub import Seen, Socket
from messaging.hub.attendance import AWAY_S, BEAT_S, GONE_AFTER_S, OVERLAP_S, Attendance
from messaging.hub.people import People
from tests import factories
from tests.realtime.client import Client, Frame
from tests.realtime.conftest import Join
from tests.realtime.test_socket import Peer
from tests.server import Server

PATIENCE_S = 20.0


def stands(client: Client, user: User, status: str) -> Frame:
    """Reads until it hears that somebody stands so."""
    wanted = {"event": "presence", "user": str(user.pk), "status": status}
    return client.until(lambda frame: wanted.items() <= frame.items(), PATIENCE_S)[-1]


def test_it_is_told_across_processes_and_devices(alice: User, bob: User, join: Join, other: Server) -> None:
    factories.direct(alice, bob)
    a = join(alice)
    a.do("presence", users=[str(bob.pk), str(factories.person().pk)])
    assert [(frame["user"], frame["status"]) for frame in a.heard_by_now()] == [(str(bob.pk), "offline")]
    phone, desk = join(bob, at=other), join(bob)
    assert stands(a, bob, "online")["last_seen_at"]
    phone.socket.close()
    desk.socket.close()
    left = stands(a, bob, "offline")
    assert left["last_seen_at"].endswith("Z")
    assert LastSeen.objects.filter(user=bob).exists()


def test_who_watches_others_hears_of_those_no_more(alice: User, bob: User, join: Join) -> None:
    carol = factories.person("carol")
    factories.group(alice, bob, carol)
    a = join(alice)
    a.do("presence", users=[str(bob.pk)])
    a.do("presence", users=[str(carol.pk)])
    join(bob)
    join(carol)
    heard = a.until(lambda frame: frame.get("status") == "online", PATIENCE_S)
    assert {frame["user"] for frame in heard if frame["event"] == "presence"} == {str(carol.pk)}


def test_who_was_removed_is_told_nothing(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    carol = factories.person("carol")
    factories.direct(bob, carol)
    b = join(bob)
    b.do("presence", users=[str(alice.pk), str(carol.pk)])
    participants.remove_participant(actor_id=alice.pk, conversation_id=room, user_id=bob.pk)
    join(alice)
    join(carol)
    frames = b.until(lambda frame: frame.get("status") == "online", PATIENCE_S)
    assert frames[-1]["user"] == str(carol.pk)
    told = [frame["status"] for frame in frames if frame.get("user") == str(alice.pk) and "status" in frame]
    assert told == ["offline"]


def test_a_server_that_ends_takes_its_people_along(alice: User, bob: User, join: Join, other: Server) -> None:
    factories.direct(alice, bob)
    a = join(alice)
    join(bob, at=other)
    a.do("presence", users=[str(bob.pk)])
    stands(a, bob, "online")
    began = monotonic()
    other.stop()
    stands(a, bob, "offline")
    assert monotonic() - began < GONE_AFTER_S + PATIENCE_S
    assert not Presence.objects.filter(user=bob).exists()


def test_who_was_at_a_killed_server_is_gone_once_it_has_been_silent(
    alice: User, bob: User, join: Join, other: Server
) -> None:
    factories.direct(alice, bob)
    a = join(alice)
    join(bob, at=other)
    a.do("presence", users=[str(bob.pk)])
    stands(a, bob, "online")
    other.kill()
    silent = SocketProcess.objects.get(pk=Presence.objects.get(user=bob).process_id)
    silent.seen_at -= timedelta(seconds=DEAD_AFTER_S)  # so long that nobody waits for it here
    silent.save()
    left = stands(a, bob, "offline")
    assert datetime.fromisoformat(left["last_seen_at"]) == silent.seen_at
    until = monotonic() + PATIENCE_S
    while SocketProcess.objects.filter(pk=silent.pk).exists() and monotonic() < until:
        sleep(0.2)
    assert LastSeen.objects.get(user=bob).seen_at == silent.seen_at
    assert not Presence.objects.filter(user=bob).exists()


class Written:
    """A book that keeps what it is told."""

    def __init__(self) -> None:
        self.known = False
        self.lines: list[tuple[dict[str, bool], list[str]]] = []
        self.beats = 0
        self.moved: list[str] = []
        self.status = "online"
        self.fails = False
        self.asked: list[float] = []

    async def beat(self) -> bool:
        self.beats += 1
        fresh, self.known = not self.known, True
        return fresh

    async def write(self, active: Mapping[str, bool], gone: Collection[str]) -> None:
        if self.fails:
            raise ConnectionResetError
        self.lines.append((dict(active), list(gone)))

    async def leave(self) -> None:
        self.lines.clear()

    async def changed(self, back: float) -> Sequence[str]:
        if self.fails:
            raise ConnectionResetError
        self.asked.append(back)
        return self.moved

    async def news(self, pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Seen]:
        return {pair: Seen(self.status, f"{pair[1]} {self.status}") for pair in pairs}

    def taken(self) -> list[tuple[dict[str, bool], list[str]]]:
        lines, self.lines = self.lines, []
        return lines


class Room:
    """People and their attendance."""

    def __init__(self) -> None:
        self.people, self.book = People(), Written()
        self.attendance = Attendance(self.people, self.book)

    def come(self, now: float) -> Socket:
        socket = Socket(user=uuid4(), send=Peer().send, now=now)
        assert self.people.add(socket)
        return socket


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_nothing_is_written_for_nobody_and_for_those_who_stay(room: Room) -> None:
    await room.attendance.look(0)
    assert (room.book.beats, room.book.lines) == (0, [])
    socket = room.come(0)
    for now in range(0, 100, 2):
        await room.attendance.look(now)
    assert room.book.taken() == [({socket.user: True}, [])]
    assert room.book.beats == 100 / BEAT_S


async def test_away_after_five_idle_minutes_and_back(room: Room) -> None:
    socket = room.come(0)
    await room.attendance.look(0)
    await room.attendance.look(AWAY_S - 1)
    await room.attendance.look(AWAY_S)
    socket.active_at = AWAY_S + 1
    await room.attendance.look(AWAY_S + 2)
    assert [line[0] for line in room.book.taken()] == [{socket.user: on} for on in (True, False, True)]


async def test_who_reconnects_was_not_gone(room: Room) -> None:
    socket = room.come(0)
    await room.attendance.look(0)
    room.people.remove(socket)
    await room.attendance.look(1)
    room.people.add(socket)
    await room.attendance.look(GONE_AFTER_S + 2)
    room.people.remove(socket)
    await room.attendance.look(GONE_AFTER_S + 3)
    await room.attendance.look(2 * GONE_AFTER_S + 2)
    assert len(room.book.taken()) == 1
    await room.attendance.look(2 * GONE_AFTER_S + 4)
    assert room.book.taken() == [({}, [socket.user])]


async def test_what_could_not_be_written_is_written_later(room: Room) -> None:
    socket = room.come(0)
    room.book.fails = True
    with pytest.raises(ConnectionResetError):
        await room.attendance.look(0)
    room.book.fails = False
    await room.attendance.look(2)
    assert room.book.taken() == [({socket.user: True}, [])]


async def test_a_process_taken_for_dead_writes_everybody_anew(room: Room) -> None:
    socket = room.come(0)
    await room.attendance.look(0)
    room.book.known = False
    await room.attendance.look(BEAT_S)
    assert room.book.taken() == [({socket.user: True}, [])] * 2


async def test_only_news_of_those_who_are_watched_is_told(room: Room) -> None:
    watcher, other = room.come(0), room.come(0)
    room.attendance.watch(watcher, {"ann": Seen("offline", "ann offline")})
    room.book.moved = ["ann", "ben"]
    for now in (0, 2):
        await room.attendance.look(now)
    room.book.status = "away"
    await room.attendance.look(4)
    room.attendance.unwatch(watcher)
    room.book.status = "offline"
    await room.attendance.look(6)
    assert [text for text, _ in watcher._queue] == ["ann offline", "ann online", "ann away"]
    assert not other._queue


async def test_what_could_not_be_read_is_read_later(room: Room) -> None:
    watcher = room.come(0)
    room.attendance.watch(watcher, {"ann": Seen("offline", "ann offline")})
    await room.attendance.look(0)
    room.book.fails = True
    for now in (2, 4, 6):
        with pytest.raises(ConnectionResetError):
            await room.attendance.look(now)
    room.book.fails = False
    await room.attendance.look(8)
    assert room.book.asked[-1] == 8 + OVERLAP_S
