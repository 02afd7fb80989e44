"""Reads of a frame only what the test needs: parsing JSON for each would make the client the slowest part."""

import json

CREATED = b'{"event":"message.created","conversation":"'
ACK = b'{"event":"ack","ref":'
REFUSED = b'{"event":"error"'
HELLO = b'{"event":"hello"'
RESUMED = b'{"event":"resumed"'
RESET = b'{"event":"reset"'
PING = b'{"op":"ping"}'
_VERSION_AT = len(CREATED) + 36 + len(b'","version":')
_MARK = b'"content":"sent '
_PADDING = (
    " and the rest is here to make it as long as people's messages are, more or less: about a line of text"
)


def version(line: bytes) -> int:
    """Of a line that begins with CREATED."""
    return int(line[_VERSION_AT : line.index(b",", _VERSION_AT)])


def scheduled_at(line: bytes) -> int:
    """When this message should have been sent, in ns of the monotonic clock; 0 where it is not one of ours."""
    at = line.find(_MARK)
    if at < 0:
        return 0
    at += len(_MARK)
    return int(line[at : line.index(b" ", at)])


def ref(line: bytes) -> int:
    """Of a line that begins with ACK."""
    return int(line[len(ACK) : line.index(b",", len(ACK))])


def acked_version(line: bytes) -> int:
    """The version that the message of an ack took."""
    return int(json.loads(line)["result"]["version"])


def head(line: bytes, conversation: str) -> int:
    """Where the conversation stands, of a line that begins with HELLO."""
    return int(json.loads(line)["heads"].get(conversation, 0))


def advice(reason: bytes | str | None) -> float:
    """Seconds after which the server wants to see a client again; 0 where it does not say."""
    text = reason.decode() if isinstance(reason, bytes) else reason or ""
    name, _, seconds = text.partition("=")
    return float(seconds) if name == "retry-after" else 0.0


def resume(conversation: str, version: int) -> bytes:
    """Asks for what came after this version."""
    return json.dumps({"op": "resume", "cursors": {conversation: version}}).encode()


def send(*, conversation: str, number: int, client_id: str, scheduled: int) -> bytes:
    """A message that carries its own time."""
    frame = {
        "op": "send",
        "ref": number,
        "conversation": conversation,
        "client_id": client_id,
        "content": content(scheduled),
    }
    return json.dumps(frame, separators=(",", ":")).encode()


def content(scheduled: int) -> str:
    """What such a message says."""
    return f"sent {scheduled}{_PADDING}"
