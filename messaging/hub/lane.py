"""The order of one conversation in this process: no version twice, none before the one it builds on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast
from uuid import UUID

import orjson

from conversations import events
from conversations.events import Envelope, Event
from messaging.hub.socket import Socket
from messaging.records import Change

REMEMBERED_S = 60.0  # who left: longer than any reading of PostgreSQL takes that began before
MAX_HELD = 1_000  # envelopes waiting for an earlier one; what is beyond is read from PostgreSQL with the gap


class Missed(NamedTuple):
    """What PostgreSQL says happened after a version, ascending, up to `head`.

    `changes` is None where it is too much to send; then `people` tells who of those who came, went or changed takes
    part now. `head` is None where the conversation is gone. `business`: whose case it is, if anybody's; `without` are
    agents of it who do not hear this.
    """

    head: int | None
    changes: Sequence[Change] | None
    people: Mapping[str, bool] = MappingProxyType({})
    business: str | None = None
    without: Sequence[str] = ()

    @property
    def too_much(self) -> bool:
        """Whether clients have to read the conversation anew."""
        return self.head is not None and self.changes is None


class Lane:
    """What was delivered of a conversation, what waits, and the local sockets that take part.

    `position` is the last version delivered here, None until it is known: from the first socket's heads, from the
    conversation's first event, or from the first events themselves once the time for earlier ones is over.
    `deliver` is called with each envelope in order; `late` once when something has to be waited for, after which its
    owner sees to it that the wait ends: by `fill`, or by `begin` where the position is unknown.
    """

    __slots__ = (
        "_began",
        "_deliver",
        "_held",
        "_late",
        "_left",
        "_wanted",
        "business",
        "conversation",
        "members",
        "position",
        "used_at",
        "waiting",
        "without",
    )

    def __init__(
        self,
        conversation: str,
        *,
        deliver: Callable[["Lane", Envelope], None],
        late: Callable[["Lane"], None],
        now: float = 0.0,
    ) -> None:
        self.conversation = conversation
        self.members: set[Socket] = set()
        self.business: str | None = None
        self.without: Sequence[str] = ()
        self.position: int | None = None
        self.used_at = now
        self.waiting = False
        self._held: dict[int, Envelope] = {}
        self._wanted = 0
        self._began: int | None = None  # where `begin` had to guess
        self._left: dict[str, tuple[int, float]] = {}
        self._deliver = deliver
        self._late = late

    @property
    def behind(self) -> bool:
        """Whether there is something to wait for."""
        return bool(self._held) or (self.position is not None and self.position < self._wanted)

    def reached(self, version: int) -> bool:
        """Whether everything up to a version was delivered here."""
        return self.position is not None and self.position >= version

    def accept(self, envelope: Envelope) -> None:
        """A durable event, in whatever order and however often it comes."""
        version, prev = envelope["version"], envelope["prev"]
        if version is None or prev is None:
            raise ValueError("passing events have no place in a lane")
        self.business = envelope["business"] or self.business
        self.without = envelope.get("without", self.without)
        if self.position is None and prev == 0:
            self.position = 0
        if self.position is not None and version <= self.position:
            return
        self._wanted = max(self._wanted, version)
        if self.position is not None and prev <= self.position:
            self._advance(envelope, version)
            self._drain()
        elif len(self._held) < MAX_HELD:
            self._held[version] = envelope
        self._wait()

    def start(self, head: int) -> int:
        """A socket that knows the conversation up to `head` begins to listen: from which version on it hears."""
        if self.position is None:
            self.position = head
        self.expect(head)
        self._drain()
        return max(head, self.position)

    def note_left(self, users: Iterable[str], version: int, now: float) -> None:
        """They were told at this version that they are not in it any more."""
        self._left = {user: left for user, left in self._left.items() if now - left[1] < REMEMBERED_S}
        self._left.update((user, (version, now)) for user in users)

    def left_since(self, user: str, version: int) -> bool:
        """Whether somebody left after this version: what was read at it says too much."""
        return self._left.get(user, (0, 0.0))[0] > version

    def expect(self, head: int) -> None:
        """PostgreSQL says that the conversation is at version `head` by now."""
        self._wanted = max(self._wanted, head)
        self._wait()

    def begin(self) -> None:
        """Whatever came first here is the first: its position was not known in time."""
        if self.position is None and self._held:
            self.position = self._began = min(cast(int, envelope["prev"]) for envelope in self._held.values())
            self._drain()

    def skipped(self, floor: int) -> bool:
        """Whether something that happened from this version on was passed over by `begin`. True once."""
        began, self._began = self._began, None
        return began is not None and began >= floor

    def fill(self, missed: Missed) -> None:
        """What was read from PostgreSQL after `position`. Where it was too much, the position jumps over it."""
        if missed.head is None:
            self._gone()
            return
        self.business, self.without = missed.business or self.business, missed.without or self.without
        for change in missed.changes or ():
            if change.version > (self.position or 0):
                self._advance(self._envelope(change), change.version)
        self.position = max(self.position or 0, missed.head)
        self._drain()

    def _gone(self) -> None:
        """The conversation was deleted and the event that said so was lost."""
        last = max(self._wanted, (self.position or 0) + 1)
        self._held.clear()
        left = [socket.user for socket in self.members]
        change = Change("conversation.deleted", last, f'{{"id":"{self.conversation}"}}')
        self._advance(self._envelope(change, left=left), last)

    def _advance(self, envelope: Envelope, version: int) -> None:
        self.position = version
        self._deliver(self, envelope)

    def _drain(self) -> None:
        while self._held and self.position is not None:
            version = min(self._held)
            envelope = self._held[version]
            if version > self.position and cast(int, envelope["prev"]) > self.position:
                return
            del self._held[version]
            if version > self.position:
                self._advance(envelope, version)

    def _wait(self) -> None:
        if self.behind and not self.waiting:
            self.waiting = True
            self._late(self)

    def _envelope(self, change: Change, *, left: Sequence[str] = ()) -> Envelope:
        """The event that was missed, as it would have been sent, on top of what was delivered."""
        prev = self.position or 0
        event = Event(
            name=change.event,
            conversation=UUID(events.conversation_of(self.conversation)),
            version=change.version,
            prev=prev,
            data=change.data,
            reacted=change.reacted,
            line=self.conversation if events.is_notes(self.conversation) else None,
        )
        return Envelope(
            type="hub.event",
            origin=events.origin(),
            serial=0,
            conversation=self.conversation,
            version=change.version,
            prev=prev,
            frame=events.frame(event),
            joined=_person(change) if change.event == "participant.joined" else [],
            left=_person(change) if change.event == "participant.left" else list(left),
            business=self.business,
        )


def _person(change: Change) -> list[str]:
    return [orjson.loads(change.data)["user"]["id"]]
