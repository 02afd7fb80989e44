"""What passes between the rooms of this app."""

from typing import NamedTuple
from uuid import UUID


class Moved(NamedTuple):
    """A conversation of which a webhook has heard up to `after` and which is at `version`. `gone`: it was deleted."""

    conversation: UUID
    after: int
    known: int
    version: int
    gone: bool


class Claimed(NamedTuple):
    """A delivery that is ours to attempt."""

    id: int
    key: UUID
    payload: str
    attempts: int
    taken_back: bool  # the message that it tells of, unless it tells just that
