"""The AsyncAPI document is what the socket does."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from chatbackend import staff_alerts
from chatbackend.asgi import sockets as routes
from conversations.events import DurableEvent, NoteEvent
from messaging import frames, hub
from messaging.consumers import chat, opening
from messaging.hub import hub as hubs
from messaging.hub import people
from messaging.hub import socket as sockets
from tests import asyncapi, contract

ROOM = "01a20e6f-47a9-7abc-9fd5-0150376c291a"
VALID: dict[str, dict[str, Any]] = {
    "auth": {"token": "x"},
    "send": {
        "conversation": ROOM,
        "client_id": "1",
        "content": "x",
        "type": "text",
        "metadata": {"a": 1},
        "reply_to": 1,
        "mentions": [ROOM],
        "attachments": [],
        "internal": False,
    },
    "edit": {"conversation": ROOM, "seq": 1, "content": "x"},
    "delete": {"conversation": ROOM, "seq": 1},
    "react": {"conversation": ROOM, "seq": 1, "emoji": "x", "on": True},
    "read": {"conversation": ROOM, "seq": 0},
    "typing": {"conversation": ROOM, "on": True},
    "presence": {"users": [ROOM]},
    "resume": {"cursors": {ROOM: 1}, "notes": {ROOM: 1}},
    "ping": {},
}
# Of every kind, and at the bounds. Not here: what JSON Schema cannot tell (blank, NUL, depth, bytes of JSON).
VALUES: list[Any] = [
    None, True, 0, 1, -1, 1.5, 2**53, 2**53 + 1, "", "x", "text", "system", "x" * 64, "x" * 65,
    "x" * 8_192, "x" * 8_193, "x" * 16_000, "x" * 16_001, ROOM, "no id", [], [ROOM], [1], [ROOM] * 51,
    [ROOM] * 200, [ROOM] * 201, {}, {"a": 1},
    {ROOM: 0}, {ROOM: -1}, {"x": 1},
]  # fmt: skip
MISSING = object()


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        node = list(node.values())
    for part in node if isinstance(node, list) else ():
        yield from _refs(part)


def test_every_reference_leads_somewhere() -> None:
    for ref in _refs(asyncapi.document()):
        place: Any = asyncapi.document()
        for step in ref.removeprefix("#/").split("/"):
            assert step in place, ref
            place = place[step]


def test_its_schemas_are_schemas() -> None:
    described = asyncapi.document()["components"]
    for schema in [
        *described["schemas"].values(),
        *(one["payload"] for one in described["messages"].values()),
    ]:
        Draft202012Validator.check_schema(schema)
    assert asyncapi.document()["asyncapi"] == "3.0.0"
    channels = asyncapi.document()["channels"]
    named = {name for channel in channels.values() for name in channel["messages"]}
    assert named == described["messages"].keys()
    addresses = {f"/{route.pattern}" for route in routes.routes} - {"/"}  # the last leads nowhere
    assert {channel["address"] for channel in channels.values()} == addresses


def test_its_ops_and_events_are_those_of_the_code() -> None:
    passing, answers = {"read", "typing", "presence"}, {"hello", "ack", "error", "pong", "resumed", "reset"}
    noted = {*get_args(NoteEvent), "note.reset"}
    assert asyncapi.messages("say").keys() == frames.OPS == VALID.keys()
    assert asyncapi.messages("hear").keys() == {*get_args(DurableEvent)} | passing | answers | noted


def test_its_close_codes_and_limits_are_those_of_the_code() -> None:
    codes = {
        chat.FAILED,
        chat.RESTARTING,
        chat.BAD_FRAMES,
        chat.UNAUTHENTICATED,
        chat.TOO_LARGE,
        chat.FLOODING,
    }
    codes |= {hubs.CLOSED_SILENT, hubs.CLOSED_TOKEN, sockets.CLOSED_SLOW, hub.CLOSED_RESTARTING}
    assert set(asyncapi.document()["channels"]["chat"]["x-close-codes"]) == codes | {4403}
    hello = json.loads(opening.hello("s", "{}", {}))
    told = asyncapi.messages("hear")["hello"]["properties"]["limits"]["properties"]
    assert hello["limits"] == {name: one["const"] for name, one in told.items()}
    assert told["sockets"]["const"] == people.MAX_SOCKETS


def test_the_staffs_socket_says_and_closes_as_described() -> None:
    assert asyncapi.messages("hear_alerts").keys() == {"alerts", "still"}
    codes = {staff_alerts.NOT_ALLOWED, staff_alerts.UNASKED}
    assert set(asyncapi.document()["channels"]["staff_alerts"]["x-close-codes"]) == codes


def _described(op: str, fields: dict[str, Any]) -> bool:
    return bool(asyncapi.validator("say", op).is_valid({"op": op, **fields}))


def _taken(op: str, fields: dict[str, Any]) -> bool:
    return frames.read(json.dumps({"op": op, **fields})).op is not None


@pytest.mark.parametrize(
    ("op", "field"), [(op, field) for op, fields in VALID.items() for field in [*fields, "ref", "extra"]]
)
def test_what_it_describes_is_what_is_taken(op: str, field: str) -> None:
    assert _described(op, VALID[op])
    for value in [MISSING, *VALUES]:
        given = {**VALID[op], field: value}
        if value is MISSING:
            del given[field]
        if value == "" and (op, field) == ("send", "content"):
            continue  # taken with metadata, unless it is a text
        assert _described(op, given) == _taken(op, given), given


def _bare(node: Any) -> Any:
    """A schema without words about it."""
    if isinstance(node, dict):
        said = {"description", "additionalProperties"}
        return {
            name: _bare(part)
            for name, part in node.items()
            if not (name in said and not isinstance(part, dict)) and not name.startswith("x-")
        }
    return [_bare(part) for part in node] if isinstance(node, list) else node


@pytest.mark.parametrize(
    "name", ["User", "Message", "Attachment", "Reaction", "Participant", "BusinessCase", "ReadPosition"]
)
def test_what_rest_and_the_socket_share_is_described_alike(name: str) -> None:
    rest = contract.document()["components"]["schemas"][name]
    assert _bare(asyncapi.document()["components"]["schemas"][name]) == _bare(rest)
