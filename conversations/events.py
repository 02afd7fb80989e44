"""The one function that sends events. Only services call it, and it sends after the commit.

An event leaves twice: straight to the listeners of this process (the hub), and through the channel layer to every
other process. The layer is a hint: what it loses is found again in PostgreSQL by version.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count, groupby
from operator import itemgetter
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID, uuid4

from channels.layers import get_channel_layer
from django.db import transaction

from conversations.complaints import Complaints

log = logging.getLogger(__name__)

DurableEvent = Literal[
    "message.created",
    "message.updated",
    "message.deleted",
    "conversation.created",
    "conversation.updated",
    "conversation.deleted",
    "participant.joined",
    "participant.left",
    "participant.updated",
]
NoteEvent = Literal["note.created", "note.updated", "note.deleted"]  # heard by agents, and by no webhook
SEND_TIMEOUT_S = 2.0
TOGETHER = 20  # events that travel as one; the hub hands them out in one go
BACKLOG = 10_000  # frames waiting for the layer; past it they are left to be found by version


class Lapse(TypedDict):
    """What a passing event comes to where its end is not told: the process that would have told it may have died.

    `key` names the state that the event begins or ends, `frame` is the line that ends it.
    """

    key: str
    after_s: float
    frame: str


class Envelope(TypedDict):
    """What travels between processes. `frame` is the finished JSON line; the rest says whose it is and in what order.

    `version` and `prev` are None for passing events, whose copies (through two groups) `origin` and `serial` tell.
    `joined` and `left` name people whose membership the event changes; `business` the business whose agents hear it
    too. `without` are people who do not, although they answer for it.
    """

    type: Literal["hub.event"]
    origin: str
    serial: int
    conversation: str
    version: int | None
    prev: int | None
    frame: str
    joined: list[str]
    left: list[str]
    business: str | None
    lapse: NotRequired[Lapse]
    without: NotRequired[list[str]]


PersonChange = Literal["agency_joined", "agency_left", "signed_out", "session_ended"]


class PersonNotice(TypedDict):
    """What changed about a person that their open sockets must obey at once; clients never see it.

    `business` is the one whose agent they became or no longer are; `session` the sign-in that was ended. Both are None
    where they were signed out everywhere.
    """

    type: Literal["hub.person"]
    origin: str
    user: str
    change: PersonChange
    business: str | None
    session: str | None


class Batch(TypedDict):
    """Events of one conversation in their order: many at once travel together, and are heard one by one."""

    type: Literal["hub.batch"]
    origin: str
    envelopes: list[Envelope]


Post = Envelope | Batch | PersonNotice
Listener = Callable[[Post], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A durable change of a conversation. `data` is JSON text, made by the same SQL as the REST reply.

    `reacted` is JSON text too: whose own reactions changed, since `data` is the same for everybody.

    `line`, where it is not the conversation's own: the name of a line of events beside it, which has versions and
    listeners of its own. `without` are agents who do not hear it.
    """

    name: DurableEvent | NoteEvent
    conversation: UUID
    version: int
    prev: int
    data: str
    joined: Sequence[UUID] = ()
    left: Sequence[UUID] = ()
    business_id: str | None = None
    reacted: str | None = None
    line: str | None = None
    without: Sequence[UUID] = ()


def frame(event: Event) -> str:
    """The line that clients read."""
    if event.line is not None:
        return noted(event.name, event.version, event.data, of=str(event.conversation), prev=event.prev)
    return told(
        event.name, event.version, event.data, event.reacted, of=str(event.conversation), prev=event.prev
    )


def noted(name: DurableEvent | NoteEvent, version: int, data: str, *, of: str, prev: int) -> str:
    """That of a note. Its versions go by other names: nobody shall take them for those of the conversation."""
    versions = f'"notes_version":{version},"notes_prev":{prev}'
    return f'{{"event":"{name}","conversation":"{of}",{versions},"data":{data}}}'


def told(
    name: DurableEvent | NoteEvent, version: int, data: str, reacted: str | None = None, *, of: str, prev: int
) -> str:
    """The same, without an event made for it: many are told again to who comes back. `of`: the conversation."""
    rest = f',"reacted":{reacted}' if reacted else ""
    return f'{{"event":"{name}","conversation":"{of}","version":{version},"prev":{prev},"data":{data}{rest}}}'


def publish(*events: Event) -> None:
    """Sends durable events, in order, once the present transaction has committed."""
    for _, group in groupby(map(_envelope, events), key=itemgetter("conversation")):
        envelopes = list(group)
        for start in range(0, len(envelopes), TOGETHER):
            _send_after_commit(_post(envelopes[start : start + TOGETHER]))


def _envelope(event: Event) -> Envelope:
    envelope = Envelope(
        type="hub.event",
        origin=_outlet().origin,
        serial=next(_serials),
        conversation=event.line or str(event.conversation),
        version=event.version,
        prev=event.prev,
        frame=frame(event),
        joined=[str(user) for user in event.joined],
        left=[str(user) for user in event.left],
        business=event.business_id,
    )
    if event.without:
        envelope["without"] = [str(user) for user in event.without]
    return envelope


def _post(envelopes: list[Envelope]) -> Post:
    if len(envelopes) == 1:
        return envelopes[0]
    return Batch(type="hub.batch", origin=_outlet().origin, envelopes=envelopes)


def events_of(post: Post) -> list[Envelope]:
    """The events in a post, in their order."""
    if post["type"] == "hub.batch":
        return post["envelopes"]
    return [post] if post["type"] == "hub.event" else []


def publish_passing(
    *,
    conversation: UUID,
    frame: str,
    business_id: str | None = None,
    at_once: bool = False,
    lapse: Lapse | None = None,
) -> None:
    """Sends an event that nobody will ask for again: read, typing.

    `at_once` is for what no transaction decides: it touches no database and may be called on an event loop.
    """
    envelope = Envelope(
        type="hub.event",
        origin=_outlet().origin,
        serial=next(_serials),
        conversation=str(conversation),
        version=None,
        prev=None,
        frame=frame,
        joined=[],
        left=[],
        business=business_id,
    )
    if lapse is not None:
        envelope["lapse"] = lapse
    if at_once:
        _send(envelope)
    else:
        _send_after_commit(envelope)


def publish_person(
    *, user: UUID, change: PersonChange, business_id: str | None = None, session: str | None = None
) -> None:
    """Tells every process's sockets of a person what changed about them, once the present transaction has committed."""
    notice = PersonNotice(
        type="hub.person",
        origin=_outlet().origin,
        user=str(user),
        change=change,
        business=business_id,
        session=session,
    )
    _send_after_commit(notice)


def listen(listener: Listener) -> None:
    """From now on this process's events and notices reach `listener`, in the thread that committed them."""
    _listeners.append(listener)


def unlisten(listener: Listener) -> None:
    """Ends `listen`."""
    _listeners.remove(listener)


def origin() -> str:
    """This process's name in envelopes: its own come back through the layer and are dropped by it."""
    return _outlet().origin


_NOTES = ".notes"


def notes_line(conversation: UUID | str) -> str:
    """The name of the line of a case's notes. Nobody is ever seated in it: only agents hear it, by their business."""
    return f"{conversation}{_NOTES}"


def is_notes(line: str) -> bool:
    """Whether a line of events is that of a case's notes."""
    return line.endswith(_NOTES)


def conversation_of(line: str) -> str:
    """The conversation that a line of events belongs to."""
    return line.removesuffix(_NOTES)


def conversation_group(conversation: str) -> str:
    """The layer's group of everybody in a conversation."""
    return f"conversation.{conversation}"


def user_group(user: str) -> str:
    """The layer's group of this person's sockets and of one in 256 others', by the random end of their ids.

    A group for each would be joined and left thousands of times when everybody comes back after a restart.
    """
    return f"users.{user[-2:]}"


def business_group(business_id: str) -> str:
    """The layer's group of a business's agents."""
    return f"business.{business_id}"


def groups_of(post: Post) -> list[str]:
    """Every group that hears a post. A process in several of them drops the copies."""
    if post["type"] == "hub.person":
        return [user_group(post["user"])]
    return list(dict.fromkeys(chain.from_iterable(map(_groups_of, events_of(post)))))


def _groups_of(envelope: Envelope) -> list[str]:
    groups = [conversation_group(envelope["conversation"])]
    groups += map(user_group, envelope["joined"])
    if envelope["business"]:
        groups.append(business_group(envelope["business"]))
    return groups


_listeners: list[Listener] = []
_serials = count()


def _send_after_commit(post: Post) -> None:
    def send() -> None:  # not a partial: where a robust hook fails, Django asks it for its __qualname__
        _send(post)

    transaction.on_commit(send, robust=True)


def _send(post: Post) -> None:
    for listener in tuple(_listeners):
        try:
            listener(post)
        except Exception:  # one that fails must not keep the event from the others
            log.exception("A listener failed")
    _outlet().send(post)


class _Outlet:
    """A thread with its own event loop that speaks to the channel layer, so that any thread may publish.

    `async_to_sync` would make a new loop, and with it a new Redis connection, for each event.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.origin = uuid4().hex
        self._waiting = 0
        self._counting = threading.Lock()
        self._complaints = Complaints(log)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="events", daemon=True).start()

    def send(self, post: Post) -> None:
        if self._waiting >= BACKLOG:
            self._complaints.say(
                "%d events wait for the channel layer; later ones are found when the next one comes",
                self._waiting,
            )
            return
        self._count(len(events_of(post)) or 1)
        asyncio.run_coroutine_threadsafe(self._deliver(post), self._loop)

    async def _deliver(self, post: Post) -> None:
        layer = get_channel_layer()
        sends: Iterable[Coroutine[Any, Any, None]] = (
            layer.group_send(group, post) for group in groups_of(post)
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                for send in sends:
                    await send
        except Exception as error:  # whatever the layer raises, the message is committed and will be found
            self._complaints.say(
                "The channel layer is away (%s); delivery falls back to PostgreSQL", type(error).__name__
            )
        finally:
            self._count(-(len(events_of(post)) or 1))

    def _count(self, by: int) -> None:
        with self._counting:  # any thread sends, the loop's own delivers
            self._waiting += by


_lock = threading.Lock()
_current: _Outlet | None = None


def _outlet() -> _Outlet:
    """This process's outlet. A forked child (a Celery worker) makes its own: threads do not survive a fork."""
    global _current
    if _current is None or _current.pid != os.getpid():
        with _lock:
            if _current is None or _current.pid != os.getpid():
                _current = _Outlet()
    return _current
