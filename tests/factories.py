"""People, rooms and words for tests, made through the services as the doors make them."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from itertools import count
from typing import Any
from uuid import UUID

import orjson
from django.test import TestCase
from django.utils import timezone

from conversations import events
from conversations.events import Envelope, Listener, Post
from conversations.models import BusinessAgent, Participant, User
from conversations.queries import inbox, people
from conversations.queries.inbox import InboxFilter
from conversations.services import conversations
from messaging.models import Attachment
from messaging.queries import history
from messaging.queries.history import Window
from messaging.records import Written
from messaging.services import attachments, messages
from webhooks.models import Webhook, WebhookDelivery
from webhooks.models.webhooks import EVENTS
from webhooks.services.webhooks import make_webhook

_numbers = count(1)
# Two points wide and three high.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000308000000009c81815d0000001149"
    "44415478da6364676062606062600000005c000d89b4b5430000000049454e44ae426082"
)

Json = dict[str, Any]


def person(name: str = "", **fields: Any) -> User:
    """An account that can sign in with nothing; the name is made unique."""
    return User.objects.create(username=f"{name or 'person'}-{next(_numbers)}", password="!", **fields)


def persons(number: int) -> list[User]:
    """As many accounts."""
    return [person() for _ in range(number)]


def direct(one: User, other: User) -> UUID:
    """The direct conversation of these two."""
    return conversations.open_direct(creator_id=one.pk, peer_id=other.pk)[0].pk


def group(owner: User, *members: User, name: str = "") -> UUID:
    """A group."""
    ids = [member.pk for member in members]
    return conversations.create_group(creator_id=owner.pk, participant_ids=ids, name=name).pk


def case(customer: User, business_id: str = "acme", content: str = "") -> UUID:
    """A customer's conversation with a business."""
    return conversations.open_case(customer_id=customer.pk, business_id=business_id, content=content).pk


def agent(business_id: str = "acme", role: str = "agent") -> User:
    """Somebody who answers for a business."""
    user = person("agent")
    BusinessAgent.objects.create(business_id=business_id, user=user, role=role)
    return user


def webhook(owner: User, business_id: str | None = "acme", **more: Any) -> Webhook:
    """An address that is told of everything, unless told otherwise."""
    given = {"url": "https://hooks.example.org/x", "events": EVENTS, **more}
    return make_webhook(actor=owner, business_id=business_id, **given)[0]


def delivery(hook: Webhook, conversation: UUID, **more: Any) -> WebhookDelivery:
    """Something sent to it."""
    given = {"event": "message.created", "version": 2, "seq": 1, "payload": "{}", **more}
    settled = {"state": "delivered", "settled_at": timezone.now(), "attempts": 1, "status": 204}
    return WebhookDelivery.objects.create(webhook=hook, conversation_id=conversation, **{**settled, **given})


def say(sender: User, conversation: UUID, content: str = "hello", **more: Any) -> Written:
    """A message."""
    return messages.send_message(sender_id=sender.pk, conversation_id=conversation, content=content, **more)


def file(owner: User, content: bytes = b"hello", name: str = "note.txt") -> Attachment:
    """What somebody uploaded."""
    return attachments.upload(owner_id=owner.pk, name=name, source=BytesIO(content), size=len(content))


def body(written: Written) -> Json:
    """A message as clients read it."""
    found: Json = orjson.loads(written.body)
    return found


def seat(user: User, conversation: UUID) -> Participant:
    """A person's place in a conversation, live or not."""
    return Participant.objects.get(conversation=conversation, user=user)


def roles(conversation: UUID) -> dict[UUID, str]:
    """The live participants and what they are."""
    live = Participant.objects.live().filter(conversation=conversation)
    return dict(live.values_list("user_id", "role"))


def said(viewer: User, conversation: UUID, **window: Any) -> list[Json]:
    """A page of the history, the newest 200 unless told otherwise."""
    page = history.message_history(
        viewer=viewer.pk, conversation_id=conversation, window=Window(**{"limit": 200, **window})
    )
    assert page is not None
    found: list[Json] = orjson.loads(page.results)
    return found


def inbox_of(viewer: User, limit: int = 200, **wanted: Any) -> list[Json]:
    """A person's conversations as clients read them."""
    lines = inbox.inbox(viewer=viewer.pk, wanted=InboxFilter(**wanted), limit=limit)
    return [orjson.loads(line.body) for line in lines]


def view(viewer: User, conversation: UUID) -> Json | None:
    """A conversation as its viewer reads it, or None."""
    found = inbox.conversation(viewer=viewer.pk, conversation_id=conversation)
    return orjson.loads(found) if found else None


def seated(viewer: User, conversation: UUID) -> list[Json]:
    """The live participants as clients read them."""
    return [orjson.loads(line.body) for line in people.participants(conversation_id=conversation, limit=1000)]


@contextmanager
def heard(*, commit: bool = True) -> Iterator[list[Envelope]]:
    """The envelopes that reach this process's listeners. `commit` plays the commit of a test's own transaction."""
    found: list[Envelope] = []

    def hear(post: Post) -> None:
        found.extend(events.events_of(post))

    with _listening(hear, commit=commit):
        yield found


@contextmanager
def noticed() -> Iterator[list[tuple[str, str, str | None]]]:
    """What is told about people: who, what, of which business."""
    found: list[tuple[str, str, str | None]] = []

    def hear(post: Post) -> None:
        if post["type"] == "hub.person":
            found.append((post["user"], post["change"], post["business"]))

    with _listening(hear, commit=True):
        yield found


@contextmanager
def _listening(listener: Listener, *, commit: bool) -> Iterator[None]:
    events.listen(listener)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True) if commit else nullcontext():
            yield
    finally:
        events.unlisten(listener)


def frame(envelope: Envelope) -> Json:
    """What clients read of an envelope."""
    found: Json = orjson.loads(envelope["frame"])
    return found


def unsaved(number: int) -> UUID:
    """An id for objects that are never saved."""
    return UUID(int=number)
