"""From what changed in conversations to deliveries.

There is no log of events that sending would have to write: conversations have versions, and what changed after one can
be asked for. So a webhook costs whoever sends nothing, and what it has not heard yet waits where it is, however long.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from conversations.contents import opened
from conversations.models import Conversation
from messaging.queries import changes
from messaging.queries.changes import Each
from messaging.records import Change
from webhooks.access import may_still_hear
from webhooks.jobs.ending import end
from webhooks.models import Webhook, WebhookDelivery
from webhooks.queries import cursors
from webhooks.records import Moved

# A change is stamped before it is committed: by so much it may come late. What comes later still is found by the hourly
# look at everything.
LOOK_BACK: Final = timedelta(minutes=2)
ROOMS: Final = 100  # conversations of one round
EACH: Final = 100  # changes of one of them
MOST_BYTES: Final = 2_000_000
BACKLOG: Final = 1_000  # deliveries that wait; what is beyond stays in the conversations until there is room
MAX_PAYLOAD: Final = 65_536  # bytes

State = WebhookDelivery.State


class Page(NamedTuple):
    """What a webhook is to hear of a conversation now. `known`: see WebhookCursor."""

    conversation: UUID
    changes: list[Change]
    reached: int
    known: int

    @property
    def whole(self) -> bool:
        """Whether that is all there is."""
        return self.known == self.reached


@transaction.atomic
def spread(webhook_id: UUID, *, thorough: bool = False) -> int:
    """Makes deliveries of what a webhook has not heard yet: all of it or, past a bound, the first part. How many.

    Each change once: whoever comes meanwhile finds the webhook locked and leaves. `thorough` looks at every
    conversation, not only at those that changed lately.
    """
    rows = Webhook.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    webhook = rows.filter(pk=webhook_id, disabled_at=None).first()
    if webhook is None:
        return 0
    if not may_still_hear(webhook):
        end(webhook, Webhook.Why.NOT_ALLOWED)
        return 0
    space = BACKLOG - _waiting(webhook)
    return _spread(webhook, space, thorough) if space > 0 else 0


def _waiting(webhook: Webhook) -> int:
    pending = WebhookDelivery.objects.filter(webhook=webhook, state=State.PENDING)
    return pending[:BACKLOG].count()


def _spread(webhook: Webhook, space: int, thorough: bool) -> int:
    began = timezone.now()
    since = None if thorough else webhook.looked_at - LOOK_BACK
    found = cursors.moved(webhook=webhook.pk, business_id=webhook.business_id, since=since, limit=ROOMS)
    made: list[WebhookDelivery] = []
    heard: list[Page] = []
    for page in _pages(found) if found else ():
        if len(made) >= space:
            break
        _withdraw(webhook, page)
        made += _deliveries(webhook, page)
        heard.append(page)
    WebhookDelivery.objects.bulk_create(made)
    if heard:
        reached = [(page.conversation, page.reached, page.known) for page in heard]
        cursors.advance(webhook=webhook.pk, reached=reached)
    if len(heard) == len(found) < ROOMS and all(page.whole for page in heard):
        Webhook.objects.filter(pk=webhook.pk).update(looked_at=began)
    return len(made)


def _pages(found: list[Moved]) -> Iterator[Page]:
    """In the order in which they were read, as far as that went."""
    read = changes.changes_since_each(
        cursors={one.conversation: one.after for one in found},
        known={one.conversation: one.known for one in found},
        limit=EACH + 1,
        most_bytes=MOST_BYTES,
    )
    ended = _ended_meanwhile(found, read)
    for one in sorted(found):
        if read.cut is not None and one.conversation > read.cut:
            return
        if one.conversation not in ended:
            yield _page(one, read)


def _ended_meanwhile(found: list[Moved], read: Each) -> set[UUID]:
    """Those deleted between the question which of them moved and the one how: they are left for the next round, since
    what was read of them does not say that they ended."""
    later = [
        one.conversation
        for one in found
        if any(change.version > one.version for change in read.changes[one.conversation])
    ]
    rows = Conversation.objects.filter(pk__in=later, deleted_at__isnull=False)
    return set(rows.values_list("pk", flat=True)) if later else set()


def _page(one: Moved, read: Each) -> Page:
    found = read.changes[one.conversation]
    told = [change for change in found if change.version < one.version] if one.gone else found
    if len(told) == len(found) and (len(found) > EACH or one.conversation == read.cut):
        part = found[:EACH]
        return Page(one.conversation, part, part[-1].version, one.known)
    reached = max([one.version, *(change.version for change in told)])
    return Page(one.conversation, [*told, *([_end(one)] if one.gone else [])], reached, reached)


def _end(one: Moved) -> Change:
    """The last event of a conversation says it all: that nobody takes part any more came with it."""
    return Change("conversation.deleted", one.version, f'{{"id":"{one.conversation}"}}')


def _withdraw(webhook: Webhook, page: Page) -> None:
    """What was taken back is not sent any more, and not kept. Uses index: webhook_deliveries_message."""
    gone = [_seq(change) for change in page.changes if change.event == "message.deleted"]
    if not gone:
        return
    told = WebhookDelivery.objects.filter(webhook=webhook, conversation_id=page.conversation, seq__in=gone)
    told.exclude(payload="").update(payload="")
    told.filter(state=State.PENDING).update(state=State.WITHDRAWN, settled_at=timezone.now())


def _deliveries(webhook: Webhook, page: Page) -> Iterator[WebhookDelivery]:
    for change in page.changes:
        if change.event in webhook.events:
            yield WebhookDelivery(
                webhook=webhook,
                conversation_id=page.conversation,
                event=change.event,
                version=change.version,
                seq=_seq(change),
                payload=_payload(page.conversation, change),
            )


def _seq(change: Change) -> int | None:
    """The message that it is about, if it is about one."""
    return int(orjson.loads(opened(change.data))["seq"]) if change.event.startswith("message.") else None


def _payload(conversation: UUID, change: Change) -> str:
    text = _text(conversation, change, change.data)  # as it lies: it is opened when it is sent
    if len(opened(text).encode()) <= MAX_PAYLOAD:
        return text
    named: dict[str, Any] = {"seq": _seq(change), "truncated": True}  # the rest is there to be asked for
    return _text(conversation, change, orjson.dumps(named).decode())


def _text(conversation: UUID, change: Change, data: str) -> str:
    at = timezone.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return (
        f'{{"type":"{change.event}","timestamp":"{at}","conversation":"{conversation}",'
        f'"version":{change.version},"data":{data}}}'
    )
