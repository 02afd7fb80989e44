"""What frames say, read without a server. What is refused, and how, is in test_bad_input."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conversations.exceptions import ChatError
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


def sent(metadata: str) -> str:
    """A frame that sends this metadata."""
    return (
        f'{{"op":"send","ref":1,"conversation":"{ROOM}","client_id":"1","content":"x","metadata":{metadata}}}'
    )


def nested(levels: int) -> str:
    """Objects in each other, as text."""
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        (nested(9), "too_deep"),
        (nested(300), "too_deep"),
        (nested(1000), "too_deep"),
        ('{"a":"\\u0000"}', "nul_character"),
        ('{"\\u0000":1}', "nul_character"),
        ('{"a":18446744073709551616}', "number_out_of_range"),
        ('{"a":[-9223372036854775809]}', "number_out_of_range"),
    ],
)
def test_metadata_that_is_refused(metadata: str, code: str) -> None:
    ref, op, error = frames.read(sent(metadata))
    assert (ref, op) == (1, None)
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        (nested(8), None),
        ('{"a":"\\\\u0000"}', {"a": "\\u0000"}),  # a backslash and letters, no NUL
        ('{"a":18446744073709551615}', {"a": 2**64 - 1}),
        ('{"a":"18446744073709551616"}', {"a": "18446744073709551616"}),
    ],
)
def test_metadata_that_passes(metadata: str, kept: dict[str, Any] | None) -> None:
    op = frames.read(sent(metadata)).op
    assert isinstance(op, frames.SendMessage)
    assert kept is None or op.metadata == kept


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from([ROOM, OTHER, *frames.OPS, "text", "image", "\0", "\\u0000"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = ["conversation", "client_id", "content", "type", "metadata", "reply_to", "mentions", "attachments"]
NAMES += ["seq", "on", "cursors", "token", "ref", "extra"]
ALMOST = st.builds(
    lambda op, deep, rest: f'{{"op":"{op}","metadata":{deep}{rest}}}',
    st.sampled_from(sorted(frames.OPS)),
    st.integers(1, 2_000).map(nested),
    st.sampled_from(["", ',"ref":1', f',"conversation":"{ROOM}","client_id":"1","content":"x"']),
)
WRITTEN = st.fixed_dictionaries(
    {"op": st.one_of(st.sampled_from(sorted(frames.OPS)), VALUES)},
    optional={name: st.one_of(VALUES, st.sampled_from([ROOM, 1, True, "x"])) for name in NAMES},
)


@given(st.one_of(st.text(), VALUES, WRITTEN, ALMOST))
@example(sent(nested(300)))
def test_nothing_that_is_sent_raises(given: Any) -> None:
    text = given if isinstance(given, str) else json.dumps(given)
    frame = frames.read(text)
    assert (frame.op is None) == isinstance(frame.error, ChatError)
