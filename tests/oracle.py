"""The slow and plain way to the same answers: rows read as they are, counted in Python."""

from collections.abc import Iterable
from copy import deepcopy
from typing import NamedTuple
from uuid import UUID

from conversations.models import Participant
from messaging.models import Message
from tests.factories import Json

MOVING = {"last_activity_at", "version", "last_seq", "participant_count"}  # said by every event, not by facts


class Unread(NamedTuple):
    """What waits for one person in one conversation."""

    unread_count: int
    mention_count: int


def recount(conversation: UUID, user: UUID, *, last_read_seq: int) -> Unread:
    """Messages by others after a read position that neither were deleted nor are notices; those naming the user."""
    rows = list(Message.objects.filter(conversation=conversation))
    waiting = [
        row
        for row in rows
        if row.seq > last_read_seq
        and row.sender_id != user
        and row.deleted_at is None
        and row.type != Message.Type.SYSTEM
    ]
    return Unread(len(waiting), sum(user in row.mentions for row in waiting))


def require_order(conversation: UUID, *, last_seq: int, version: int) -> None:
    """seq is 1..last_seq; no two changes share a version, and none lies beyond the conversation's."""
    rows = list(Message.objects.filter(conversation=conversation).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, last_seq + 1))
    seats = Participant.objects.filter(conversation=conversation, version__gt=1)
    stamps = [row.version for row in rows] + [seat.version for seat in seats]
    assert len(stamps) == len(set(stamps))
    assert max(stamps, default=1) <= version


class Client:
    """What a client knows of one conversation, kept up by events alone."""

    def __init__(
        self, facts: Json, participants: list[Json], messages: list[Json], *, version: int, me: str = ""
    ) -> None:
        self.version = version
        self.me = me
        self.facts = facts
        self.participants = {one["user"]["id"]: one for one in participants}
        self.messages = {one["seq"]: one for one in messages}

    def copy(self) -> "Client":
        """The same knowledge, apart."""
        return deepcopy(self)

    def apply(self, event: Json) -> None:
        """Takes one event in. A created message is new to the client, an updated one is not."""
        noun, verb = event["event"].split(".")
        assert event["version"] > self.version
        self.version = event["version"]
        if noun == "message":
            self._own(event["data"], event.get("reacted", ()))
        getattr(self, f"_{noun}")(verb, event["data"])

    def _own(self, message: Json, reacted: Iterable[Json]) -> None:
        """What the client adds to an event that is the same for everybody: which reactions are its own."""
        known = self.messages.get(message["seq"], {}).get("reactions", ())
        own = [one["emoji"] for one in known if one["mine"]]
        for one in reacted:
            own = one["emojis"] if one["user"] == self.me else own
        for one in message["reactions"]:
            one.setdefault("mine", one["emoji"] in own)

    def _conversation(self, verb: str, data: Json) -> None:
        self.facts = data

    def _participant(self, verb: str, data: Json) -> None:
        user = data["user"]["id"]
        if verb == "left":
            self.participants.pop(user, None)
            return
        known = self.participants.get(user)
        assert (verb == "updated") == (known is not None and known["joined_at"] == data["joined_at"])
        self.participants[user] = data

    def _message(self, verb: str, data: Json) -> None:
        if verb != "deleted":
            assert (verb == "updated") == (data["seq"] in self.messages)
        self.messages[data["seq"]] = data

    def state(self) -> Json:
        """What can be compared: read positions travel by passing events and are left out."""
        return {
            "facts": {name: value for name, value in self.facts.items() if name not in MOVING},
            "participants": {
                user: {name: value for name, value in one.items() if name != "last_read_seq"}
                for user, one in self.participants.items()
            },
            "messages": self.messages,
        }
