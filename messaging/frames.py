"""What a client may send over the socket: one declared shape an op, extra keys refused, everything bounded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from conversations.exceptions import ChatError, Invalid
from conversations.strictness import deeper_than, has_huge_integer, has_nul
from messaging import limits, policies

MAX_BYTES = 65_536
MAX_REF = 64
MAX_TOKEN = 8_192
MAX_CURSORS = 1_000
MAX_WATCHED = 200
REQUIRED: Any = object()

Ref = str | int | None
Reader = Callable[[str, Any], Any]


class BadFrame(ChatError):
    """Not the shape of any frame."""

    code = "bad_frame"
    title = "This frame cannot be understood"


class UnknownOp(ChatError):
    """A well-formed frame that asks for something this server does not do."""

    code = "unknown_op"
    title = "There is no such operation"


@dataclass(frozen=True, slots=True)
class Auth:
    token: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    conversation: UUID
    client_id: str
    content: str
    type: str
    metadata: dict[str, Any]
    reply_to: int | None
    mentions: list[UUID]
    attachments: list[UUID]
    internal: bool = False

    def __post_init__(self) -> None:
        if self.internal:
            more = (self.type != "text", self.metadata, self.reply_to, self.mentions, self.attachments)
            policies.require_mere_words(any(more))
        said = self.attachments or (self.metadata and self.type != "text")
        if not self.content.strip() and not said:
            raise Invalid.field("content", "Nothing is said.", code="blank")


@dataclass(frozen=True, slots=True)
class EditMessage:
    conversation: UUID
    seq: int
    content: str


@dataclass(frozen=True, slots=True)
class DeleteMessage:
    conversation: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class React:
    conversation: UUID
    seq: int
    emoji: str
    on: bool


@dataclass(frozen=True, slots=True)
class MarkRead:
    conversation: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class Typing:
    conversation: UUID
    on: bool


@dataclass(frozen=True, slots=True)
class Presence:
    users: list[UUID]


@dataclass(frozen=True, slots=True)
class Resume:
    cursors: dict[UUID, int]
    notes: dict[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ping:
    pass


Op = Auth | SendMessage | EditMessage | DeleteMessage | React | MarkRead | Typing | Presence | Resume | Ping


class Frame(NamedTuple):
    """What a frame says, or why it says nothing. `ref` is readable even in many frames that are refused."""

    ref: Ref
    op: Op | None
    error: ChatError | None = None


def read(text: str) -> Frame:
    """Never raises for what a client sends."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Frame(None, None, BadFrame("Not JSON."))
    if not isinstance(given, dict):
        return Frame(None, None, BadFrame("Not a JSON object."))
    try:
        ref = _ref(given.pop("ref", None))
    except BadFrame as error:
        return Frame(None, None, error)
    if has_huge_integer(text):
        return Frame(
            ref, None, Invalid("A whole number may have at most 64 bits.", code="number_out_of_range")
        )
    try:
        return Frame(ref, _op(given))
    except ChatError as error:
        return Frame(ref, None, error)


def too_large(text: str) -> bool:
    """Whether a frame is over 64 KiB as it travelled."""
    return len(text) > MAX_BYTES or (len(text) * 4 > MAX_BYTES and len(text.encode()) > MAX_BYTES)


def _ref(value: Any) -> Ref:
    usable = value is None or (isinstance(value, str) and len(value) <= MAX_REF)
    if not usable and (type(value) is not int or abs(value) > 2**53):
        raise BadFrame(f"ref: a text of at most {MAX_REF} characters or a whole number.")
    return value  # type: ignore[no-any-return]


def _op(given: dict[str, Any]) -> Op:
    name = given.pop("op", None)
    if not isinstance(name, str):
        raise BadFrame("op: a text is required.")
    shape = _SHAPES.get(name)
    if shape is None:
        raise UnknownOp(f"No operation is called {name[:40]!r}.")
    return shape.read(given)


def _text(name: str, value: Any, *, most: int, least: int = 0) -> str:
    if not isinstance(value, str):
        raise BadFrame(f"{name}: a text is required.")
    if "\0" in value:
        raise Invalid.field(name, "Text may not contain the NUL character.", code="nul_character")
    if not least <= len(value) <= most:
        code = "too_long" if len(value) > most else "blank"
        raise Invalid.field(name, f"Between {least} and {most} characters.", code=code)
    return value


def _token(name: str, value: Any) -> str:
    return _text(name, value, most=MAX_TOKEN, least=1)


def _content(name: str, value: Any) -> str:
    return _text(name, value, most=limits.MAX_CONTENT)


def _words(name: str, value: Any) -> str:
    text = _content(name, value)
    if not text.strip():
        raise Invalid.field(name, "Nothing is said.", code="blank")
    return text


def _emoji(name: str, value: Any) -> str:
    return _text(name, value, most=limits.MAX_EMOJI, least=1)


def _client_id(name: str, value: Any) -> str:
    text = _text(name, value, most=limits.MAX_CLIENT_ID, least=1)
    if not text.isprintable() or text.isspace():
        raise Invalid.field(name, "Printable characters only.", code="invalid")
    return text


def _type(name: str, value: Any) -> str:
    if value not in limits.SAID:
        raise Invalid.field(name, f"One of {', '.join(limits.SAID)}.", code="invalid_choice")
    return str(value)


def _uuid(name: str, value: Any) -> UUID:
    try:
        if isinstance(value, str) and len(value) == 36:
            return UUID(value)
    except ValueError:
        pass
    raise BadFrame(f"{name}: an id is required.")


def _whole(name: str, value: Any, *, least: int) -> int:
    if type(value) is not int:
        raise BadFrame(f"{name}: a whole number is required.")
    if not least <= value <= limits.MAX_POSITION:
        raise Invalid.field(name, f"At least {least}, at most {limits.MAX_POSITION}.", code="out_of_range")
    return value


def _seq(name: str, value: Any) -> int:
    return _whole(name, value, least=1)


def _position(name: str, value: Any) -> int:
    return _whole(name, value, least=0)


def _maybe_seq(name: str, value: Any) -> int | None:
    return None if value is None else _seq(name, value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadFrame(f"{name}: true or false is required.")
    return value


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFrame(f"{name}: an object is required.")
    if deeper_than(value, limits.MAX_DEPTH):  # first: neither the encoder nor has_nul takes what is deep
        raise Invalid.field(name, f"At most {limits.MAX_DEPTH} levels.", code="too_deep")
    if len(orjson.dumps(value)) > limits.MAX_METADATA:
        raise Invalid.field(name, f"At most {limits.MAX_METADATA} bytes of JSON.", code="too_long")
    if has_nul(value):
        raise Invalid.field(name, "Text may not contain the NUL character.", code="nul_character")
    return value


def _ids(name: str, value: Any, *, most: int) -> list[UUID]:
    if not isinstance(value, list):
        raise BadFrame(f"{name}: a list of ids is required.")
    if len(value) > most:
        raise Invalid.field(name, f"At most {most}.", code="too_long")
    return list(dict.fromkeys(_uuid(name, one) for one in value))


def _cursors(name: str, value: Any) -> dict[UUID, int]:
    if not isinstance(value, dict):
        raise BadFrame(f"{name}: an object of conversation and version is required.")
    if len(value) > MAX_CURSORS:
        raise Invalid.field(name, f"At most {MAX_CURSORS}.", code="too_long")
    return {_uuid(name, key): _position(name, version) for key, version in value.items()}


@dataclass(frozen=True)
class _Shape:
    """An op's dataclass, how each of its fields is read, and what the optional ones are when left out."""

    make: Callable[..., Op]
    fields: Mapping[str, Reader] = field(default_factory=dict)
    optional: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def read(self, given: Mapping[str, Any]) -> Op:
        """Raises BadFrame or Invalid."""
        if extra := given.keys() - self.fields.keys():
            raise BadFrame(f"Not known here: {', '.join(sorted(extra))[:200]}.")
        values = {}
        for name, reader in self.fields.items():
            if name in given:
                values[name] = reader(name, given[name])
            elif name in self.optional:
                values[name] = self.optional[name]()
            else:
                raise BadFrame(f"{name}: is required.")
        return self.make(**values)


_MESSAGE: Mapping[str, Reader] = {"conversation": _uuid, "seq": _seq}

_SHAPES: Mapping[str, _Shape] = {
    "auth": _Shape(Auth, {"token": _token}),
    "send": _Shape(
        SendMessage,
        {
            "conversation": _uuid,
            "client_id": _client_id,
            "content": _content,
            "type": _type,
            "metadata": _object,
            "reply_to": _maybe_seq,
            "mentions": partial(_ids, most=limits.MAX_MENTIONS),
            "attachments": partial(_ids, most=limits.MAX_ATTACHMENTS),
            "internal": _flag,
        },
        {
            "type": lambda: "text",
            "metadata": dict,
            "reply_to": lambda: None,
            "mentions": list,
            "attachments": list,
            "internal": bool,
        },
    ),
    "edit": _Shape(EditMessage, {**_MESSAGE, "content": _words}),
    "delete": _Shape(DeleteMessage, _MESSAGE),
    "react": _Shape(React, {**_MESSAGE, "emoji": _emoji, "on": _flag}),
    "read": _Shape(MarkRead, {"conversation": _uuid, "seq": _position}),
    "typing": _Shape(Typing, {"conversation": _uuid, "on": _flag}),
    "presence": _Shape(Presence, {"users": partial(_ids, most=MAX_WATCHED)}),
    "resume": _Shape(Resume, {"cursors": _cursors, "notes": _cursors}, {"notes": dict}),
    "ping": _Shape(Ping),
}
OPS = frozenset(_SHAPES)
