"""What an export holds, whichever server wrote it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from messaging.limits import MAX_CONTENT

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)  # clocks that go fast


class Unreadable(ValueError):
    """Something in an export that is not what it should be, and why."""


class Person(NamedTuple):
    """Somebody who is in a room, wrote or reacted. `key` is their id there. Closed ones and bots never sign in."""

    key: str
    username: str
    name: str = ""
    email: str = ""
    closed: bool = False


class Room(NamedTuple):
    """A conversation. `members` are those who may read it now; who wrote and left is not among them."""

    key: str
    name: str
    members: Sequence[str]
    direct: bool = False
    owner: str | None = None


class Said(NamedTuple):
    """One message. `key` names it within its room; `parent` is the key of the message it answers, or a thread's name.

    `title` goes before the first message of its thread: what the thread is about.
    """

    room: str
    key: str
    sender: str
    at: datetime
    text: str
    action: bool = False
    parent: str | None = None
    title: str = ""
    edited: datetime | None = None
    mentions: Sequence[str] = ()
    reactions: Sequence[tuple[str, str]] = ()  # (emoji, person)

    def parts(self) -> list["Said"]:
        """Itself, or as many as it takes where one message would be longer than we let people write."""
        if len(self.text) <= MAX_CONTENT:
            return [self]
        texts = [self.text[start : start + MAX_CONTENT] for start in range(0, len(self.text), MAX_CONTENT)]
        rest = [
            self._replace(key=f"{self.key}/{place}", text=text, title="", mentions=(), reactions=())
            for place, text in enumerate(texts[1:], start=2)
        ]
        return [self._replace(text=texts[0]), *rest]


def moment(seconds: float) -> datetime:
    """A time given in seconds since 1970. Raises Unreadable for what no chat server can have written."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError, TypeError) as error:
        raise Unreadable("no such time") from error
    if not EARLIEST <= at <= datetime.now(UTC) + _AHEAD:
        raise Unreadable("no such time")
    return at


def clean(value: object) -> str:
    """A text, without NUL, which PostgreSQL cannot hold. Raises Unreadable for anything else."""
    if not isinstance(value, str):
        raise Unreadable("no text where one should be")
    return value.replace("\0", "").strip()


def name_of(*values: object) -> str:
    """The first of several that says something."""
    for value in values:
        if isinstance(value, str) and (text := clean(value)):
            return text
    return ""
