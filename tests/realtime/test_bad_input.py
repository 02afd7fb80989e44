"""Frames that nobody should send: each has its answer, and nobody else notices."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed

from conversations.models import User
from messaging.models import Message
from tests import factories
from tests.realtime.client import Client, Frame, token_of
from tests.realtime.conftest import Join
from tests.server import Server

SOME = str(uuid4())


@pytest.fixture
def strict(transactional_db: None, static_files: None) -> Iterator[Server]:
    """A server with the rate limits of production."""
    server = Server(database=str(connection.settings_dict["NAME"]), settings={"RATE_LIMIT_FACTOR": "1"})
    server.start()
    yield server
    server.stop()


NO_FRAMES: list[tuple[str, Any]] = [
    ("", None),
    ("hello", None),
    ("[]", None),
    ("null", None),
    ('"send"', None),
    ("{", None),
    ('{"op": "send"} {}', None),
    ('{"ref": 1}', 1),
    ('{"ref": "a", "op": 7}', "a"),
    ('{"ref": [1], "op": "ping"}', None),
    ('{"ref": "%s", "op": "ping"}' % ("r" * 65), None),
    ('{"ref": 1.5, "op": "ping"}', None),
    ('{"ref": true, "op": "ping"}', None),
    ('{"ref": 1, "op": "ping", "extra": 1}', 1),
    ('{"ref": 1, "op": "typing", "conversation": "SOME"}', 1),
    ('{"ref": 1, "op": "typing", "conversation": "SOME", "on": "yes"}', 1),
    ('{"ref": 1, "op": "read", "conversation": "SOME", "seq": "1"}', 1),
    ('{"ref": 1, "op": "read", "conversation": "SOME", "seq": true}', 1),
    ('{"ref": 1, "op": "read", "conversation": "SOME", "seq": 1e400}', None),
    ('{"ref": 1, "op": "read", "conversation": 7, "seq": 1}', 1),
    ('{"ref": 1, "op": "read", "conversation": "../../etc", "seq": 1}', 1),
    ('{"ref": 1, "op": "resume", "cursors": []}', 1),
    ('{"ref": 1, "op": "resume", "cursors": {"x": 1}}', 1),
    ('{"ref": 1, "op": "send", "conversation": "SOME", "client_id": "1", "content": 5}', 1),
    ('{"ref": 1, "op": "send", "conversation": "SOME", "content": "no client_id"}', 1),
    (
        '{"ref": 1, "op": "send", "conversation": "SOME", "client_id": "1", "content": "\\ud800"}',
        None,
    ),
    ("[" * 2000, None),
]

OUT_OF_BOUNDS: list[tuple[dict[str, Any], str]] = [
    ({"content": ""}, "blank"),
    ({"content": " \n"}, "blank"),
    ({"content": "x" * 16_001}, "too_long"),
    ({"content": "a\0b"}, "nul_character"),
    ({"client_id": ""}, "blank"),
    ({"client_id": "x" * 65}, "too_long"),
    ({"client_id": "a\nb"}, "invalid"),
    ({"type": "system"}, "invalid_choice"),
    ({"metadata": {"a": "x" * 8200}}, "too_long"),
    ({"metadata": {"a": "\0"}}, "nul_character"),
    ({"metadata": {"a": [[[[[[[[1]]]]]]]]}}, "too_deep"),
    ({"reply_to": 0}, "out_of_range"),
    ({"reply_to": 2**53 + 1}, "out_of_range"),
    ({"mentions": [str(uuid4()) for _ in range(51)]}, "too_long"),
    ({"attachments": [SOME]}, "unknown_attachment"),
    ({"attachments": [str(uuid4()) for _ in range(11)]}, "too_long"),
]


def test_frames_that_are_none(alice: User, join: Join) -> None:
    a = join(alice)
    for frame, ref in NO_FRAMES:
        a.socket.send(frame.replace("SOME", SOME))
        answer = a.next()
        assert answer["event"] == "error", frame
        assert answer["error"]["code"] == "bad_frame", frame
        assert answer.get("ref") == ref, frame
        assert a.ask("ping")["event"] == "pong", frame


def test_values_out_of_bounds(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    for fields, code in OUT_OF_BOUNDS:
        answer = a.ask("send", **{"conversation": room, "client_id": "1", "content": "x", **fields})
        assert answer["event"] == "error", fields
        assert answer["error"]["code"] == code, fields
    assert not Message.objects.exists()
    assert b.heard_by_now() == []


def test_ops_that_are_not_there(alice: User, join: Join) -> None:
    a = join(alice)
    for op in ("reacted", "hub.event", "websocket.disconnect", "__init__", ""):
        assert a.ask(op)["error"]["code"] == "unknown_op", op


def test_ten_bad_frames_in_a_row_end_it(alice: User, join: Join) -> None:
    a = join(alice)
    for _ in range(9):
        a.socket.send("?")
    a.ask("ping")
    for _ in range(9):
        a.socket.send("?")
    assert len(a.heard_by_now()) == 9
    for _ in range(10):
        a.socket.send("?")
    assert a.code() == 4400


def test_binary_is_not_understood(alice: User, join: Join) -> None:
    a = join(alice)
    a.socket.send(b'{"op": "ping"}')
    assert a.next()["error"]["code"] == "bad_frame"


@pytest.mark.parametrize("text", ["x" * 65_537, "\u2603" * 21_846])
def test_a_frame_over_64_kib_ends_it(alice: User, join: Join, text: str) -> None:
    a = join(alice)
    a.socket.send(text)
    assert a.code() == 4413


def test_a_frame_that_would_fill_memory_is_not_even_kept(alice: User, join: Join) -> None:
    a = join(alice)
    a.socket.send("x" * 2_000_000)
    assert a.code() == 4413


def test_a_client_that_goes_on_writing_is_hung_up_on(alice: User, join: Join) -> None:
    a = join(alice)
    with suppress(ConnectionClosed):  # where that happens while we are still sending
        a.socket.send("x" * 50_000_000)
    assert a.code() in {4413, None}


@pytest.mark.parametrize("size", [65_537, 2_000_000])
def test_a_large_frame_before_signing_in(daphne: Server, size: int) -> None:
    with Client(daphne.ws_url) as stranger:
        stranger.socket.send("x" * size)
        assert stranger.code() == 4413


def test_a_frame_of_64_kib_is_read(alice: User, join: Join) -> None:
    a = join(alice)
    a.socket.send("x" * 65_536)
    assert a.next()["error"]["code"] == "bad_frame"


def test_who_sends_too_fast_is_told_then_closed(alice: User, bob: User, strict: Server) -> None:
    room = factories.direct(alice, bob)
    with Client(strict.ws_url, token=token_of(alice)) as a:
        a.hear("hello")
        for number in range(120):
            a.say(op="send", ref=f"r{number}", conversation=room, client_id=str(number), content="x")
        answers: dict[str, Frame] = {}
        while len(answers) < 120:
            frame = a.next()
            if str(frame.get("ref")).startswith("r"):
                answers[frame["ref"]] = frame
        refused = [frame["error"]["code"] for frame in answers.values() if frame["event"] == "error"]
        assert set(refused) == {"rate_limited"}
        assert 40 <= 120 - len(refused) < 120
        assert Message.objects.count() == 120 - len(refused)
        with suppress(ConnectionClosed):  # the last ones find it closed
            for number in range(400):
                a.say(op="ping", ref=number)
        assert a.code() == 4429


def test_too_many_cursors_are_refused(alice: User, join: Join) -> None:
    cursors = {str(uuid4()): 1 for _ in range(1001)}
    assert join(alice).ask("resume", cursors=cursors)["error"]["code"] == "too_long"


def test_a_query_of_many_fields_is_no_fault_of_ours(daphne: Server, alice: User) -> None:
    query = "&".join(f"a{number}=1" for number in range(21))
    with Client(f"{daphne.ws_url}?{query}", token=token_of(alice)) as client:
        assert client.code() == 4401
    assert daphne.tracebacks() == ""
