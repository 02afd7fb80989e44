"""What frames say, read without a server. What is refused, and how, is in test_bad_input."""

from uuid import UUID

import pytest

from messaging import frames
from messaging.frames import Frame

ROOM = "019400aa-0000-7000-8000-000000000001"
OTHER = "019400aa-0000-7000-8000-000000000002"


@pytest.mark.parametrize(
    ("text", "op"),
    [
        ('{"op":"ping"}', frames.Ping()),
        ('{"op":"auth","token":"t"}', frames.Auth("t")),
        (
            f'{{"op":"edit","conversation":"{ROOM}","seq":3,"content":"x"}}',
            frames.EditMessage(UUID(ROOM), 3, "x"),
        ),
        (f'{{"op":"delete","conversation":"{ROOM}","seq":3}}', frames.DeleteMessage(UUID(ROOM), 3)),
        (f'{{"op":"read","conversation":"{ROOM}","seq":0}}', frames.MarkRead(UUID(ROOM), 0)),
        (f'{{"op":"typing","conversation":"{ROOM}","on":false}}', frames.Typing(UUID(ROOM), False)),
        (f'{{"op":"resume","cursors":{{"{ROOM}":7}}}}', frames.Resume({UUID(ROOM): 7})),
        (
            f'{{"op":"send","conversation":"{ROOM}","client_id":"1","content":"x","reply_to":null}}',
            frames.SendMessage(UUID(ROOM), "1", "x", "text", {}, None, [], []),
        ),
        (
            f'{{"op":"send","conversation":"{ROOM}","client_id":"1","content":"","type":"location",'
            f'"metadata":{{"at":1}},"reply_to":2,"mentions":["{OTHER}","{OTHER}"],"attachments":[]}}',
            frames.SendMessage(UUID(ROOM), "1", "", "location", {"at": 1}, 2, [UUID(OTHER)], []),
        ),
    ],
)
def test_each_op(text: str, op: frames.Op) -> None:
    assert frames.read(text) == Frame(None, op)


@pytest.mark.parametrize("ref", ["a", "r" * 64, "", 0, -5, 2**53])
def test_refs_come_back_as_they_were(ref: str | int) -> None:
    written = f'"{ref}"' if isinstance(ref, str) else ref
    assert frames.read(f'{{"op":"ping","ref":{written}}}') == Frame(ref, frames.Ping())


def test_size_is_counted_in_bytes() -> None:
    assert not frames.too_large("x" * 65_536)
    assert frames.too_large("x" * 65_537)
    assert not frames.too_large("\u2603" * 21_845)
    assert frames.too_large("\u2603" * 21_846)
