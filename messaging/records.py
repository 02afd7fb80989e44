"""What passes between the rooms of this app."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from conversations import contents
from conversations.events import DurableEvent, NoteEvent, PersonChange


class Written(NamedTuple):
    """A message as it now stands: `body` is its JSON as everybody is told, `seen` as who changed it sees it, where that
    is not the same.

    `moved`: it is the first answer to a case or wakes it; its facts changed with it, at the next version.
    """

    body: str
    seq: int
    version: int
    business_id: str | None
    duplicate: bool = False
    moved: bool = False
    seen: str | None = None

    @property
    def reply(self) -> str:
        """The JSON for who changed it."""
        return self.seen or self.body


class Draft(NamedTuple):
    """What is to be said. `metadata` is JSON text."""

    sender: UUID
    conversation: UUID
    content: str
    type: str = "text"
    metadata: str = "{}"
    client_id: str | None = None
    reply_to: int | None = None
    mentions: Sequence[UUID] = ()
    attachments: Sequence[UUID] = ()


class Change(NamedTuple):
    """One durable event as it would be sent now. `data` is JSON text, and so is `reacted`: whose reactions changed."""

    event: DurableEvent | NoteEvent
    version: int
    data: str
    reacted: str | None = None


def opened(changes: Sequence[Change]) -> list[Change]:
    """The same with their words, where these lie sealed. At most one statement."""
    data = contents.opened_each([change.data for change in changes])
    return [change._replace(data=text) for change, text in zip(changes, data, strict=True)]


class Moved(NamedTuple):
    """A conversation that changed. `floor`, of the cases of the businesses asked for: its first version since then.

    `conversation` may name the line of its notes; `without` are agents who do not hear that.
    """

    conversation: str
    version: int
    gone: bool = False
    business: str | None = None
    floor: int | None = None
    without: Sequence[str] = ()


class Joined(NamedTuple):
    """Somebody who took a seat, at this version."""

    conversation: str
    user: str
    version: int


class Notice(NamedTuple):
    """What was told about a person, `age` seconds ago."""

    id: int
    user: str
    change: PersonChange
    business: str | None
    session: str | None
    age: float


class Recent(NamedTuple):
    """Everything that the sweep asks for."""

    moved: Sequence[Moved]
    joined: Sequence[Joined]
    notices: Sequence[Notice]


class Place(NamedTuple):
    """Where a note stands: after which message, and its number."""

    seq: int
    number: int


class Numbered(NamedTuple):
    """What a new note is called."""

    number: int
    version: int


class Noted(NamedTuple):
    """A note as it now stands: its JSON. `duplicate`: its `client_id` had been used before."""

    body: str
    duplicate: bool = False
